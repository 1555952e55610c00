"""The driver of Claude Code, through its native, two-way JSON stream.

``driver`` finds and starts the program, ``conversation`` follows one run, ``events`` turns its lines
into entries with the help of ``tools`` and ``patches``, and ``verdict`` says what a run came to.
Verified against Claude Code 2.1.327 (tests/contract/agents).
"""

from lazyaf.agents.claude.driver import ClaudeAgent

__all__ = ["ClaudeAgent"]
