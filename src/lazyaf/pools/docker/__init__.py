"""Runners in containers: one container per job, each in a network of its own whose only ways out are
this server and an egress proxy.

`pool` keeps as many as were asked for, by the `planning` of which: `launches` make them of what the `recipe`
says, `removals` end them and clear up, `adopting` finds them again after a crash, and `runner_containers` is which
there are.
`own` sees to images that repositories name, which `preparing` does beside the pool's work, and `caches` to
the objects of large ones. `provisioner` makes and removes what stands in the engine; `spec` and `networks` say what the
engine is asked for, and so what an agent is kept from; `engine` is the one door to the engine's API.
"""

from __future__ import annotations

from lazyaf.pools.docker.config import DockerPoolConfig
from lazyaf.pools.docker.pool import DockerPool

__all__ = ["DockerPool", "DockerPoolConfig"]
