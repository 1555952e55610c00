"""The password: kept as a hash, proved in constant company, changed at the cost of all sessions."""

from __future__ import annotations

import pytest

from factories.moments import FrozenClock
from factories.scene import Scene
from lazyaf.domain.errors import Conflict, Forbidden, Invalid, TooManyAttempts, Unauthenticated
from lazyaf.services.attempts import PER_ADDRESS
from lazyaf.services.password import MAX_LENGTH, Password, read_hash
from lazyaf.services.tokens import authenticate, authenticate_git, begin_session, make_token
from lazyaf.store.tokens import list_tokens

GOOD = "correct horse battery"
HERE = "192.0.2.1"


@pytest.fixture
async def password(scene: Scene) -> Password:
    made = Password(scene.db, scene.clock)
    await made.load()
    return made


async def test_only_the_hash_is_kept(scene: Scene, password: Password) -> None:
    assert not password.is_set
    await password.change(GOOD)
    stored = await scene.db.read(read_hash)
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert GOOD not in stored
    again = Password(scene.db, scene.clock)  # as after a restart
    await again.load()
    await again.prove(GOOD, HERE)


async def test_a_wrong_one_is_refused_and_counted(password: Password) -> None:
    await password.change(GOOD)
    for _ in range(PER_ADDRESS.burst):
        with pytest.raises(Forbidden) as told:
            await password.prove(GOOD + "?", HERE)
        assert told.value.code == "wrong_password"
    with pytest.raises(TooManyAttempts):
        await password.prove(GOOD, HERE)
    await password.prove(GOOD, "192.0.2.2")


async def test_without_one_there_is_nothing_to_prove(password: Password) -> None:
    with pytest.raises(Conflict, match="lazyaf password set") as told:
        await password.prove(GOOD, HERE)
    assert told.value.code == "no_password"


@pytest.mark.parametrize("weak", ["", "short", "a" * 11, "a" * (MAX_LENGTH + 1)])
async def test_a_weak_one_is_refused(password: Password, weak: str) -> None:
    with pytest.raises(Invalid) as told:
        await password.change(weak)
    assert "password" in told.value.extra["fields"]  # type: ignore[operator]
    assert not password.is_set


async def test_it_is_the_same_however_the_keyboard_composes_it(password: Password) -> None:
    await password.change("caf\u00e9 caf\u00e9 caf\u00e9")
    await password.prove("cafe\u0301 cafe\u0301 cafe\u0301", HERE)


async def test_changing_it_ends_sessions_and_leaves_tokens(
    scene: Scene, password: Password
) -> None:
    now, later = scene.clock.now(), "2027-01-01T00:00:00.000Z"
    await scene.db.write(begin_session, scene.new_id(), "Firefox", "browser", now, later)
    await scene.db.write(make_token, scene.new_id(), "person", "script", "script", now)
    await scene.db.write(make_token, scene.new_id(), "runner", "shed", "shed", now)
    await password.change(GOOD)
    with pytest.raises(Unauthenticated):
        await scene.db.read(authenticate, "browser", now)
    for text in ("script", "shed"):
        await scene.db.read(authenticate, text, now)


async def test_a_session_expires_and_is_forgotten(scene: Scene, clock: FrozenClock) -> None:
    end = "2026-11-01T13:00:00.000Z"
    await scene.db.write(begin_session, scene.new_id(), "one", "one", clock.now(), end)
    clock.advance(3599)
    assert (await scene.db.read(authenticate, "one", clock.now())).kind == "session"
    clock.advance(1)
    with pytest.raises(Unauthenticated):
        await scene.db.read(authenticate, "one", clock.now())
    later = "2026-11-02T13:00:00.000Z"
    await scene.db.write(begin_session, scene.new_id(), "two", "two", clock.now(), later)
    assert [token.name for token in await scene.db.read(list_tokens)] == ["two"]


async def test_a_session_is_no_git_password(scene: Scene) -> None:
    now, later = scene.clock.now(), "2027-01-01T00:00:00.000Z"
    await scene.db.write(begin_session, scene.new_id(), "Firefox", "browser", now, later)
    await scene.db.write(make_token, scene.new_id(), "person", "script", "script", now)
    with pytest.raises(Unauthenticated):
        await scene.db.read(authenticate_git, "browser", now)
    assert (await scene.db.read(authenticate_git, "script", now)).kind == "person"
