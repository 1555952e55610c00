"""Puts together who may come in: the token of this machine's person, that of its local runners, and
the password."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from lazyaf.domain.errors import Unavailable
from lazyaf.services.context import Context
from lazyaf.services.local_tokens import LocalKind, LocalTokens
from lazyaf.services.password import Password
from lazyaf.settings import Settings
from lazyaf.web.credentials import Credentials


async def make_credentials(settings: Settings, ctx: Context) -> Credentials:
    """The token of this machine's person and that of the local runners, each in its file, and the
    password."""
    files: dict[LocalKind, Path] = {
        "person": settings.data_dir / "token",
        "runner": runner_token_file(settings),
    }
    local = LocalTokens(ctx.db, ctx.clock, ctx.new_id, files)
    await local.load()
    password = Password(ctx.db, ctx.clock)
    await password.load()
    if settings.password_file is not None:
        wanted = await asyncio.to_thread(_read_password, settings.password_file)
        if not await password.is_this(wanted):
            await password.change(wanted)
    return Credentials(
        ctx.db,
        ctx.clock,
        ctx.new_id,
        password=password,
        session=timedelta(days=settings.session_days),
        local=local,
    )


def runner_token_file(settings: Settings) -> Path:
    """Where the local runners' token is."""
    return settings.data_dir / "runners" / "token"


def _read_password(path: Path) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"The password file {path} cannot be read: {error}. Put the password into it, or unset "
            "LAZYAF_PASSWORD_FILE."
        ) from None
