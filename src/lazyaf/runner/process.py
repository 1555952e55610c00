"""A runner's process: its lock, its signals, its exit code. `run` is what ``lazyaf runner`` calls."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

import structlog

from lazyaf.domain.errors import Unavailable
from lazyaf.runner import isolation, processes
from lazyaf.runner.client import Refused, ServerAbsent, ServerClient
from lazyaf.runner.config import RunnerConfig
from lazyaf.runner.filelock import try_lock
from lazyaf.runner.loop import Loop
from lazyaf.runner.state import State
from lazyaf.stderr import log_to_stderr

log = structlog.get_logger(__name__)

LOG_NAME: Final = "runner.log"
"""To which a pool of processes directs what a runner says, in its state directory."""
LEFT: Final = 0
FAILED: Final = 1
REFUSED: Final = 2
SERVER_ABSENT: Final = 3
ALREADY_RUNNING: Final = 4


async def run(config: RunnerConfig) -> int:
    """Be a runner until told to leave (SIGTERM, SIGINT, drain) or until the server is away too long.

    Holds the lock ``<state_dir>/lock`` for its whole life, by which the pool knows that it lives.
    Returns an exit code: 0 left, 1 cannot run here, 2 refused by the server, 3 server away, 4 another
    process holds the state directory.
    """
    processes.make_undumpable()
    if not structlog.is_configured():  # unless whoever started us has said where logs go
        log_to_stderr(path=config.state_dir / LOG_NAME)
    state = State(config.state_dir)
    with try_lock(state.lock_path) as taken:
        if not taken:
            log.error("runner.already_running", state_dir=str(config.state_dir))
            return ALREADY_RUNNING
        state.note_instance(config.instance_id)
        try:
            return await _run_locked(config, state)
        except Unavailable as error:
            log.error("runner.cannot_run", error=error.detail)
            return FAILED
        except Refused as error:
            log.error("runner.refused", error=str(error))
            return REFUSED
        except ServerAbsent as error:
            log.error("runner.server_absent", error=str(error))
            return SERVER_ABSENT


async def _run_locked(config: RunnerConfig, state: State) -> int:
    for directory in (config.cache_dir, config.trees_dir, config.homes_dir):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    sandbox = await isolation.detect(config)
    log.info("runner.sandbox", isolation=sandbox.isolation.value, reason=sandbox.reason)
    async with ServerClient(config) as client:
        loop = Loop(config, client, sandbox, state)
        events = asyncio.get_running_loop()
        numbers = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # a terminal closes: no nohup
            numbers.append(signal.SIGHUP)
        for number in numbers:
            events.add_signal_handler(number, loop.leave)
        try:
            await loop.run()
        finally:
            for number in numbers:
                events.remove_signal_handler(number)
    return LEFT
