"""Gives a job in a container what it cannot have by itself: the model's key, and the way to its hosts.

A local runner finds both on its machine. A container has neither until a job is claimed in it: the key
travels in the claim's answer and is kept in the runner's memory, and the proxy lets the container reach
what this job's agent and repository need, nothing before and nothing after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lazyaf.domain.jobs import JobKind
from lazyaf.domain.repo_settings import effective
from lazyaf.domain.sandboxes import AgentNeeds
from lazyaf.protocol.messages import Job
from lazyaf.services.context import Context
from lazyaf.services.secrets import setup_env
from lazyaf.store.jobs import get_job, running_jobs
from lazyaf.store.repos import get_repo
from lazyaf.store.runners import RunnerRow, list_runners
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Allowance:
    """A job that runs in a container, and which hosts it may reach."""

    job_id: str
    hosts: tuple[str, ...]


async def supply_job(ctx: Context, runner: RunnerRow, job: Job) -> Job:
    """The job with the secrets of its repository, and what its runner's pool withholds: checks have no
    model, so neither its key nor the way to it. Raises `Unavailable`; the claim is then made again."""
    if job.setup is not None or job.kind is JobKind.CHECK:
        job = job.model_copy(update={"setup_env": await setup_env(ctx, job.repo.id)})
    exits = ctx.supplies.exits.get(runner.pool)
    if exits is None:
        return job
    allowance = await ctx.db.read(_allowance, job.job_id, ctx.supplies.needs)
    await exits.open(runner.name, job.job_id, allowance.hosts)
    if job.kind is JobKind.CHECK:
        return job
    return job.model_copy(update={"agent_env": ctx.supplies.needs(job.agent).env})


def _allowance(tx: Tx, job_id: str, needs: Callable[[str], AgentNeeds]) -> Allowance:
    job = get_job(tx, job_id)
    repo = get_repo(tx, job.repo_id)
    allowed = effective(repo.settings, repo.file_settings).allowed_hosts
    hosts = () if job.kind == JobKind.CHECK.value else needs(job.agent).hosts
    return Allowance(job_id, (*hosts, *allowed))


def allowances(tx: Tx, pool: str, needs: Callable[[str], AgentNeeds]) -> dict[str, Allowance]:
    """By its runner's name each job that runs in this pool; for a pool that begins anew."""
    names = {r.id: r.name for r in list_runners(tx) if r.pool == pool}
    return {
        names[job.runner_id]: _allowance(tx, job.id, needs)
        for job in running_jobs(tx)
        if job.runner_id in names
    }
