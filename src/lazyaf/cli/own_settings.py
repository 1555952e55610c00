"""The settings of this machine's server, for the commands that start it or work on its data themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazyaf.cli.failures import Failure

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from lazyaf.settings import Settings


def own_settings(**given: Any) -> Settings:
    """What the environment says, and what is ``given`` over it, with whole paths; None gives nothing. Raises
    `Failure` that names each variable which is of no use."""
    from pydantic import ValidationError

    from lazyaf.settings import Settings

    try:
        return Settings(**{k: v for k, v in given.items() if v is not None}).absolute()
    except ValidationError as error:
        raise Failure("\n".join(_explained(wrong) for wrong in error.errors())) from None


def _explained(wrong: ErrorDetails) -> str:
    """Without the value: it may be a password."""
    from lazyaf.settings import Settings

    name = str(wrong["loc"][0])
    said = wrong["msg"].removeprefix("Value error, ")
    return f"LAZYAF_{name.upper()} is of no use: {said}. {Settings.model_fields[name].description}"
