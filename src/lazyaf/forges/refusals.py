"""What a forge's refusal means, and what a person can do about it.

Sources: docs.github.com/rest/using-the-rest-api (rate limits, troubleshooting), docs.gitlab.com/api/rest
(status codes, rate limits), docs.gitea.com/development/api-usage, and the forges' own answers.
"""

from __future__ import annotations

import time
from typing import Any, Final

from lazyaf.domain.errors import Conflict, ForgeLimited, LazyafError, Unavailable
from lazyaf.domain.forges import NAMES, ForgeKind, ForgeRepo
from lazyaf.forges.http import Answer

WORDS_MAX: Final = 300
LIMITED_S: Final = 60
"""How long to wait where the forge does not say: GitHub asks for a minute at least."""
LIMITED_MAX_S: Final = 3600
NEEDED: Final = {
    ForgeKind.GITHUB: "A fine-grained token needs “Pull requests” read and write and “Contents” read for "
    "this repository, a classic one the scope `repo`.",
    ForgeKind.GITLAB: "It needs the scope `api` and the role Developer in the project.",
    ForgeKind.GITEA: "It needs the scope `write:repository`, and its owner must be allowed to write.",
}


def refusal(at: ForgeRepo, token: str, answer: Answer) -> LazyafError:
    """The error for an answer that is no success."""
    said = _said(answer.body, token)
    told = f" It says: {said}" if said else ""
    wait = _limited(answer)
    if wait is not None:
        return ForgeLimited(
            f"{at.host} takes no more requests from this token for {_span(wait)}.{told}",
            retry_after=wait,
        )
    match answer.status:
        case 401:
            return Conflict(
                f"{at.host} does not accept the token.{told} Make a new one there, and keep it in the "
                "repository's settings, under Forge, or with `lazyaf repo forge --set-token`.",
                code="forge_token_refused",
            )
        case 403:
            return Conflict(
                f"{at.host} does not let the token do this.{told} {NEEDED[at.kind]}",
                code="forge_forbidden",
            )
        case 404:
            return Conflict(
                f"{at.host} has no {at.path} that this token may see.{told} Look whether the remote is "
                f"right and the token is for this repository. {NEEDED[at.kind]}",
                code="forge_not_found",
            )
        case status if 300 <= status < 400:
            return Conflict(
                f"{at.host} says that {at.path} is elsewhere now, and a token goes nowhere but where it was "
                "given for. Set the repository's new URL as the remote.",
                code="forge_moved",
            )
        case status if status >= 500:
            return Unavailable(
                f"{at.host} has trouble of its own ({status}).{told} Try again in a while.",
                code="forge_unreachable",
            )
        case status:
            return Conflict(
                f"{at.host} refused ({status}).{told or ' It does not say why.'}",
                code="forge_refused",
            )


def strange(at: ForgeRepo) -> Conflict:
    """What is there does not answer like the forge that it should be."""
    return Conflict(
        f"{at.api_url} does not answer like {NAMES[at.kind]}. Look in the repository's settings, under "
        "Forge, or with `lazyaf repo forge`, whether that is what it is and where its API is.",
        code="forge_strange",
    )


def _limited(answer: Answer) -> int | None:
    """Seconds to wait, if that is what is wrong. GitHub says it by a 403 as well as by a 429."""
    headers = answer.headers
    is_spent = headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    if answer.status != 429 and not (answer.status == 403 and is_spent):
        return None
    after = headers.get("retry-after", "")
    if after.isdecimal():
        return min(max(int(after), 1), LIMITED_MAX_S)
    reset = headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or ""
    if reset.isdecimal() and len(reset) < 12:
        return min(max(int(reset) - int(time.time()), 1), LIMITED_MAX_S)
    return LIMITED_S


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{-(-seconds // 60)} minutes"


def _said(body: Any, token: str) -> str:
    """The forge's own words in a line, without the token, should they hold it."""
    if not isinstance(body, dict):
        return ""
    parts = [
        *_texts(body.get("message")),
        *_texts(body.get("errors")),
        *_texts(body.get("error_description") or body.get("error")),
    ]
    line = " ".join("; ".join(dict.fromkeys(parts)).split()).replace(token, "…")
    if len(line) > WORDS_MAX:
        line = f"{line[:WORDS_MAX]}…"
    return line if not line or line[-1] in ".!?…" else f"{line}."


def _texts(value: Any) -> list[str]:
    """Every sentence in what may be a text, a list, or an object of them, as each forge has it."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value[:10] for text in _texts(item)]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("message"), str):
        return [value["message"]]
    if "code" in value:  # GitHub: {"resource": "PullRequest", "field": "head", "code": "invalid"}
        return [" ".join(str(value.get(key, "")) for key in ("field", "code")).strip()]
    return [f"{name} {text}" for name, item in list(value.items())[:10] for text in _texts(item)]
