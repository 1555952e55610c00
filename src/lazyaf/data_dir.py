"""Where LazyAF keeps its things unless it is told. Apart from the settings, which are slow to import: a
runner and the command line need no more of them than this.
"""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path


def default_data_dir() -> Path:
    """The data directory when nobody says otherwise."""
    return user_data_path("lazyaf")
