"""Counts what a run used, from its result events.

Verified with 2.1.327: ``total_cost_usd`` and ``modelUsage`` grow over the results of a process and
over ``--resume`` (0.0063, then 0.00945 for a second run that cost 0.00315), whereas
``model_usage_since_last_result`` is exactly what is new, also after a resume, also for a run that
ended over its budget (whose ``usage`` is all zeros). So that is summed. Programs without it tell their
tokens in ``usage``, for each result; their cost counts from the first result on, as a difference,
where older versions told it for each process.
"""

from __future__ import annotations

from lazyaf.agents.loose import Object, child, integer, number
from lazyaf.protocol.entries import Usage


class UsageCounter:
    """The sum over the results of one run."""

    def __init__(self) -> None:
        self.total: Usage | None = None
        self._cost_told = 0.0

    def add(self, result: Object) -> Usage:
        """The run's usage including this result."""
        before = self.total or Usage()
        new = self._models(result) or self._plain(result)
        self._cost_told = number(result, "total_cost_usd")
        self.total = Usage(
            input_tokens=before.input_tokens + new.input_tokens,
            output_tokens=before.output_tokens + new.output_tokens,
            cache_read_tokens=before.cache_read_tokens + new.cache_read_tokens,
            cache_write_tokens=before.cache_write_tokens + new.cache_write_tokens,
            cost_usd=before.cost_usd + new.cost_usd,
            turns=before.turns + integer(result, "num_turns"),
            duration_ms=before.duration_ms + integer(result, "duration_ms"),
        )
        return self.total

    def _models(self, result: Object) -> Usage | None:
        models = child(result, "model_usage_since_last_result")
        used = [child(models, name) for name in models]
        if not used:
            return None
        return Usage(
            input_tokens=sum(integer(model, "inputTokens") for model in used),
            output_tokens=sum(integer(model, "outputTokens") for model in used),
            cache_read_tokens=sum(integer(model, "cacheReadInputTokens") for model in used),
            cache_write_tokens=sum(integer(model, "cacheCreationInputTokens") for model in used),
            cost_usd=sum(number(model, "costUSD") for model in used),
        )

    def _plain(self, result: Object) -> Usage:
        usage = child(result, "usage")
        return Usage(
            input_tokens=integer(usage, "input_tokens"),
            output_tokens=integer(usage, "output_tokens"),
            cache_read_tokens=integer(usage, "cache_read_input_tokens"),
            cache_write_tokens=integer(usage, "cache_creation_input_tokens"),
            cost_usd=max(0.0, number(result, "total_cost_usd") - self._cost_told),
        )
