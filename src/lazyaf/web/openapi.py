"""``python -m lazyaf.web.openapi FILE``: writes the OpenAPI document, from which the UI's types are made."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lazyaf import __version__
from lazyaf.web.app import create_app
from lazyaf.web.config import WebConfig, WebState


def document() -> str:
    """The document as JSON. Nothing stands behind the routes: they are only described."""
    config = WebConfig("token", __version__, "", "", "", (), (), Path())
    state = object.__new__(WebState)
    object.__setattr__(state, "config", config)
    return json.dumps(create_app(state).openapi(), indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document())
