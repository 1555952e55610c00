"""What a runner and the server say to each other, version 1.

Plain HTTP and JSON, always outgoing from the runner. Every request bears the runner's token in
``Authorization: Bearer``; every request about a job also bears ``Lazyaf-Lease``. Any request with a
live lease extends it.

Lifecycle: **register** → **claim** (a long poll) → fetch from git → work, sending **log** batches,
reading **control**, pushing and recording **checkpoints** and the agent's **session** → push → flush
the log → **finish** → claim again. ``finish`` is idempotent by its lease. On ``lease_lost`` the runner
stops its agent, pushes what it has to ``…/orphan/<attempt>`` and claims again: nothing an agent did is
thrown away.

Retries: see `lazyaf.protocol.retry`, the one table of status → behaviour.
"""

from typing import Final

VERSION: Final = 1
"""The version spoken by this program. A runner of another version is refused with the fix."""

PREFIX: Final = "/api/runner/v1"
"""Where the endpoints live."""

LEASE_HEADER: Final = "Lazyaf-Lease"
"""The header that carries a lease's token."""

GIT_USERNAME: Final = "lazyaf"
"""The user name in Basic authentication for git; the password is the credential."""
