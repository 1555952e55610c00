"""What runners do, well and badly: answers are lost, requests repeated, processes die and come back."""

from __future__ import annotations

from typing import Any

from factories.scene import TOKEN
from lazyaf.domain.errors import Conflict, LeaseLost, NotFound, SequenceGap
from lazyaf.domain.jobs import JobCommand, StopReason, command_for
from lazyaf.protocol.messages import AgentOffer, CheckpointRequest, FinishRequest, RegisterRequest
from lazyaf.services.claim_job import Look, claim_job
from lazyaf.services.finish_job import finish_job
from lazyaf.services.leases import pending_commands, touch
from lazyaf.services.record_checkpoint import record_checkpoint
from lazyaf.services.runners import beat, drain_runner, register_runner
from machines.queue.oracle import Attempt, Job
from machines.queue.world import DEAD, Held, Runner, World
from machines.simulation import Cut
from support.at_once import at_once

STATUSES = {
    JobCommand.COMPLETE: "completed",
    JobCommand.FAIL: "failed",
    JobCommand.CANCEL: "cancelled",
}


class Runners(World):
    """The acts of runners."""

    def runner(self, which: int) -> Runner:
        return self.runners[which % len(self.runners)]

    def free(self) -> list[Runner]:
        return [runner for runner in self.runners if runner.held is None]

    def working(self) -> list[Runner]:
        return [runner for runner in self.runners if runner.held is not None]

    def at_work(self, which: int) -> tuple[Runner, Held, Job, Attempt] | None:
        """A runner that has a job, perhaps one that has just claimed it."""
        if not self.working():
            self.claim(which, is_lost=False, cut=None)
        there = self.working()
        if not there:
            return None
        runner = there[which % len(there)]
        assert runner.held is not None
        return runner, runner.held, *self.of(runner.held)

    def of(self, held: Held) -> tuple[Job, Attempt]:
        return self.oracle.by_lease(held.given.lease)

    # To be there

    def register(self, which: int) -> None:
        self.do_register(self.runner(which))

    def do_register(self, runner: Runner) -> None:
        known = self.look().runner(runner.name)
        request = RegisterRequest(
            name=runner.name,
            instance_id=runner.instance,
            version="1",
            protocol=1,
            agents=[AgentOffer(name=agent) for agent in sorted(runner.agents)],
            current_job_id=runner.held.given.job_id if runner.held else None,
            replaces=runner.replaces,
        )
        is_there = known is not None and known.status != "offline"
        if is_there and known.instance_id not in (runner.instance, runner.replaces):
            refusal = self.refused(Conflict, register_runner(self.ctx, request, TOKEN))
            assert refusal.code == "runner_name_taken"
            return
        self.do(register_runner(self.ctx, request, TOKEN))
        if runner.held is None:
            return
        job, attempt = self.of(runner.held)
        if job.live is not None:
            self.oracle.hear(job.live, self.now, contact=False)
        if attempt.state == "live":
            assert self.look().runner(runner.name).current_job_id == job.id

    def heartbeat(self, which: int, draining: bool) -> None:
        runner = self.runner(which)
        known = self.look().runner(runner.name)
        work = self.ctx.db.write(beat, runner.instance, TOKEN, draining, self.sim.clock.now())
        if known is None or known.status == "offline" or known.instance_id != runner.instance:
            self.refused(NotFound, work)
            return
        runner_id, _ = self.do(work)
        self.ctx.presence.touch(f"runner:{runner_id}")

    def drain(self, which: int) -> None:
        runner = self.runner(which)
        self.do(self.ctx.db.write(drain_runner, runner.name))
        if runner.held is None:
            self.do_claim(runner, is_lost=False, cut=None)

    def die(self, which: int, keeps_state: bool) -> None:
        """The process is gone. The next one has its state directory, or another name's instance."""
        runner = self.runner(which)
        if runner.held is not None:
            self.left.append(runner.held)
        runner.replaces = runner.instance if keeps_state else None
        runner.claim_id = runner.claim_id if keeps_state else None
        runner.held = None
        runner.life += 1

    # To claim

    def claim(self, which: int, is_lost: bool, cut: Cut | None) -> None:
        if self.free():
            self.do_claim(self.free()[which % len(self.free())], is_lost, cut)

    def do_claim(self, runner: Runner, is_lost: bool, cut: Cut | None) -> None:
        known = self.prepare(runner)
        if known is None:
            self.refused(NotFound, self.claiming(runner))
            self.do_register(runner)
            known = self.prepare(runner)
        if known is None:
            return
        look = self.do(self.claiming(runner), cut)
        if look is not DEAD:
            self.judge(runner, known, look, is_lost=is_lost)

    def be_greedy(self, which: int) -> None:
        """A runner that has a job asks for another one."""
        if (at_work := self.at_work(which)) is None:
            return
        runner, _, _, attempt = at_work
        row = self.look().runner(runner.name)
        if attempt.state == "live" and row is not None and row.current_job_id is not None:
            another = claim_job(self.ctx, runner.instance, TOKEN, f"claim-{next(self.numbers):06}")
            with self.nothing_changes():
                assert self.sim.run(another).job is None

    def prepare(self, runner: Runner) -> Any | None:
        """The runner as the server knows it; None when it does not."""
        runner.claim_id = runner.claim_id or f"claim-{next(self.numbers):06}"
        known = self.look().runner(runner.name)
        is_known = known is not None and known.status != "offline"
        return known if is_known and known.instance_id == runner.instance else None

    def claiming(self, runner: Runner) -> Any:
        return claim_job(self.ctx, runner.instance, TOKEN, str(runner.claim_id))

    def claim_at_once(self) -> None:
        known = [(runner, self.prepare(runner)) for runner in self.free()]
        there = [(runner, row) for runner, row in known if row is not None]

        looks = self.do(at_once(self.sim.db, *(self.claiming(runner) for runner, _ in there)))
        for (runner, row), look in zip(there, looks, strict=True):
            assert isinstance(look, Look)
            self.judge(runner, row, look, is_lost=False)

    def judge(self, runner: Runner, row: Any, look: Look, *, is_lost: bool) -> None:
        """Is that what a claim may give? Then the runner has it, unless the answer was lost."""
        given = look.job
        before = self.oracle.by_claim(str(runner.claim_id))
        if before is not None:
            self.judge_again(runner, *before, look)
        elif row.is_draining or row.current_job_id is not None:
            assert given is None
        elif given is None:
            assert self.oracle.claimable(set(runner.agents)) == []
        else:
            job = self.oracle.jobs[given.job_id]
            assert self.oracle.next_may_be(job, set(runner.agents))
            by = (runner.name, runner.instance)
            self.oracle.claim(job, by, str(runner.claim_id), given.lease, self.now)
        if is_lost:
            return
        if given is None or given.ended is not None:
            runner.claim_id = None
        else:
            runner.held = self.taken_up(given)

    def judge_again(self, runner: Runner, job: Job, attempt: Attempt, look: Look) -> None:
        given = look.job
        assert given is not None
        assert (given.job_id, given.attempt) == (job.id, attempt.number)
        assert given.lease == attempt.lease
        assert given.ended == (None if attempt.state == "live" else attempt.state)
        if attempt.state == "live":
            attempt.instance = runner.instance  # the next process of the runner goes on with it
            self.oracle.hear(attempt, self.now, contact=False)

    def taken_up(self, given: Any) -> Held:
        """A job anew, or one that the former process of this runner had begun."""
        for held in self.left:
            if held.given.lease == given.lease:
                self.left.remove(held)
                return held
        return Held(given)

    # To work

    def log(self, which: int, size: int, how: str, is_lost: bool, cut: Cut | None) -> None:
        if (at_work := self.at_work(which)) is None:
            return
        runner, held, job, attempt = at_work
        if how == "gap":
            work = self.sim.scene.log(held.given, len(attempt.texts) + 2, "beyond")
            if attempt.state != "live":
                self.give_up(runner, work)
            else:
                gap = self.refused(SequenceGap, work)
                assert gap.extra["expected"] == len(attempt.texts) + 1
            return
        if how == "new":
            held.outbox += [f"{job.id[-4:]}/{next(self.numbers)}" for _ in range(size)]
        first = max(1, held.acked + 1 - (size if how == "again" else 0))
        texts = held.outbox[first - 1 :]
        if not texts:
            return
        work = self.sim.scene.log(held.given, first, *texts)
        if attempt.state != "live":
            self.give_up(runner, work)
            return
        stored = self.do(work, cut)
        if stored is DEAD:
            return
        self.oracle.append(job, attempt, first, texts)
        self.oracle.hear(attempt, self.now)
        assert stored == len(attempt.texts)
        held.acked = held.acked if is_lost else stored

    def give_up(self, runner: Runner, work: Any) -> None:
        """The lease is lost: the request is refused, and the runner stops."""
        self.refused(LeaseLost, work)
        assert runner.held is not None
        self.left.append(runner.held)
        runner.held = runner.claim_id = None

    def push(self, held: Held) -> str:
        """A commit on top of what the attempt has pushed, by its own ref; R7 lets only it do so."""
        given, held.finish = (
            held.given,
            None,
        )  # what it was about to finish with is not its last word
        text = {f"work-{next(self.numbers)}.txt": "1\n"}
        onto = self.sim.run(self.sim.scene.ref(given.repo.id, f"{given.push_prefix}head"))
        sha: str = self.sim.run(self.sim.scene.work(given, text, [onto] if onto else []))
        return sha

    def checkpoint(self, which: int, repeats: bool, cut: Cut | None) -> None:
        if (at_work := self.at_work(which)) is None:
            return
        runner, held, job, attempt = at_work
        if attempt.state != "live":
            request = CheckpointRequest(head_sha="0" * 40)
            self.give_up(runner, record_checkpoint(self.ctx, job.id, held.given.lease, request))
            return
        request = CheckpointRequest(head_sha=self.push(held), files=1, additions=1, deletions=0)
        for _ in range(1 + repeats):
            work = record_checkpoint(self.ctx, job.id, held.given.lease, request)
            if self.do(work, cut) is DEAD:
                return
            self.oracle.hear(attempt, self.now)
        assert self.look().jobs[job.id].head_sha == request.head_sha

    def ask_for_commands(self, which: int) -> None:
        if (at_work := self.at_work(which)) is None:
            return
        runner, held, job, attempt = at_work
        work = touch(self.ctx, job.id, held.given.lease)
        if attempt.state != "live":
            self.give_up(runner, work)
            return
        found = self.do(work)
        self.oracle.hear(attempt, self.now)
        assert found.attempt.src_seq == len(attempt.texts)
        lease = held.given.lease
        commands = self.do(pending_commands(self.ctx, job.id, lease, after=0, heard=0))
        assert [c.type for c in commands] == ["cancel"] * job.cancel

    def finish(
        self, which: int, reason: StopReason, works: bool, is_lost: bool, cut: Cut | None
    ) -> None:
        if (at_work := self.at_work(which)) is None:
            return
        runner, held, job, attempt = at_work
        if attempt.state == "live" and (held.finish is None or held.acked < len(held.outbox)):
            last = len(attempt.texts)
            head = self.push(held) if works else None
            held.finish = FinishRequest(stop_reason=reason, head_sha=head, last_seq=last)
            early = held.finish.model_copy(update={"last_seq": last + 1})
            self.refused(SequenceGap, finish_job(self.ctx, job.id, held.given.lease, early))
        request = held.finish or FinishRequest(stop_reason=reason)
        work = finish_job(self.ctx, job.id, held.given.lease, request)
        if attempt.state == "lost":
            self.give_up(runner, work)
            return
        was_live = attempt.state == "live"
        with_word = STATUSES[command_for(request.stop_reason)]
        status = self.do(work, cut) if was_live else self.same_again(work)
        if status is DEAD:
            return
        assert status == with_word
        if was_live:
            self.oracle.close(job, status)
        if not is_lost:
            self.left.append(held)
            runner.held = runner.claim_id = None

    def same_again(self, work: Any) -> Any:
        with self.nothing_changes():
            return self.sim.run(work)

    # Those who come too late

    def come_too_late(self, which: int, what: str) -> None:
        if not self.left:
            return
        held = self.left[which % len(self.left)]
        job, attempt = self.of(held)
        if attempt.state == "live":
            return  # the process is dead, and its lease not yet
        lease, request = held.given.lease, held.finish or FinishRequest(stop_reason="finished")
        if what in ("finish", "again") and attempt.state == "closed":
            status = self.same_again(finish_job(self.ctx, job.id, lease, request))
            assert status == job.status
            return
        late = {
            "log": lambda: self.sim.scene.log(held.given, len(attempt.texts) + 1, "too late"),
            "checkpoint": lambda: record_checkpoint(
                self.ctx, job.id, lease, CheckpointRequest(head_sha="0" * 40)
            ),
            "touch": lambda: touch(self.ctx, job.id, lease),
        }
        finishing = lambda: finish_job(self.ctx, job.id, lease, request)  # noqa: E731
        self.refused(LeaseLost, late.get(what, finishing)())
