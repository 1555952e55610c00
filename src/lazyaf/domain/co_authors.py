"""Who is named beside the author of a commit that an agent has helped with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CO_AUTHORS: Final[Mapping[str, str]] = {"claude": "Claude <noreply@anthropic.com>"}
"""By agent, as the value of a ``Co-authored-by``. A script is nobody."""
