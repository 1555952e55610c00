"""What everybody who works on one attempt shares: the job, its places and where its story goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lazyaf.agents.environment import agent_env, certificate_paths, secrets_in
from lazyaf.domain.jobs import JobKind
from lazyaf.protocol.messages import Job
from lazyaf.runner import brief
from lazyaf.runner.attachments import Attachments
from lazyaf.runner.cache import Cache
from lazyaf.runner.client import ServerClient
from lazyaf.runner.config import RunnerConfig
from lazyaf.runner.mailbox import Mailbox
from lazyaf.runner.outbox import Outbox
from lazyaf.runner.redaction import Redactor, secret_values
from lazyaf.runner.sandbox import Sandbox, View
from lazyaf.runner.session import SessionKeeper
from lazyaf.runner.sessionstore import SessionStore
from lazyaf.runner.spare import Spares
from lazyaf.runner.state import State
from lazyaf.runner.stop import Stop
from lazyaf.runner.story import Story
from lazyaf.runner.workspace import Workspace, safe_name

AWAY_S: Final = 1.0
"""Without an answer for so long the server is away, and a failed fetch is not the job's fault."""


@dataclass(slots=True)
class Bench:
    """The parts of one attempt. ``redactor`` learns the agent's own secrets when it is launched."""

    config: RunnerConfig
    client: ServerClient
    sandbox: Sandbox
    state: State
    job: Job
    stop: Stop
    redactor: Redactor
    outbox: Outbox
    story: Story
    workspace: Workspace
    attachments: Attachments
    cache: Cache
    sessions: SessionKeeper
    spares: Spares
    mailbox: Mailbox
    secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(
        cls,
        config: RunnerConfig,
        client: ServerClient,
        sandbox: Sandbox,
        state: State,
        job: Job,
        stop: Stop,
        spares: Spares,
    ) -> Bench:
        """Set everything out; nothing is fetched or started yet."""
        secrets = (config.token, job.lease, job.repo.password, *secret_values(job.env))
        secrets += (*secret_values(job.agent_env), *job.setup_env.values())
        host = config.host_env
        secrets += secrets_in(agent_env(host), host)  # the setup has what a person passes on, too
        redactor = Redactor(secrets)
        outbox = Outbox(state.outbox_path(job), redactor)
        story = Story(outbox)
        workspace = Workspace(config, job, sandbox)
        url = config.server.rstrip("/") + job.repo.clone_url

        def is_away() -> bool:
            return client.absent_s > AWAY_S

        store = SessionStore(workspace.session_store, url, is_away)
        return cls(
            config=config,
            client=client,
            sandbox=sandbox,
            state=state,
            job=job,
            stop=stop,
            redactor=redactor,
            outbox=outbox,
            story=story,
            workspace=workspace,
            attachments=Attachments(client, job, workspace.attachments, story),
            cache=Cache(config.cache_dir, safe_name(job.repo.id), url, is_away, config.borrow),
            sessions=SessionKeeper(client, job, workspace, story, store),
            spares=spares,
            mailbox=Mailbox(state),
            secrets=secrets,
        )

    def redact_also(self, secrets: Iterable[str]) -> None:
        """Hide these values from now on, too."""
        self.redactor = Redactor([*self.secrets, *secrets])
        self.outbox.use(self.redactor)
        self.sessions.use(self.redactor)

    def view(self, env: Mapping[str, str], read_only: Iterable[Path]) -> View:
        """What a command of the repository or the agent sees."""
        space = self.workspace
        return View(
            cwd=space.tree,
            env=env,
            writable=(space.tree, space.home),
            read_only=(space.git.cache, *read_only),
        )

    def command_view(self) -> View:
        """What the repository's own commands see, its setup and its checks: its secrets, and no agent's
        key."""
        card_env = {**self.card_env(), **self.job.setup_env}
        if self.job.kind is JobKind.CHECK:
            card_env = {"CI": "true", **card_env}  # what test programs go by everywhere
        env = agent_env(self.config.host_env, card_env=card_env, home=self.workspace.home)
        return self.view(env, certificate_paths(env))

    def card_env(self) -> dict[str, str]:
        """The card's variables."""
        return brief.card_variables(self.job, self.workspace.marker.conflicts)
