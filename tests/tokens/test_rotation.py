"""Keys change hands without a moment in which a good token is refused."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from auth_service.app import create_app
from auth_service.core.errors import ServiceUnavailable
from auth_service.core.secrets import UndecryptableError
from auth_service.tokens.keys import SigningKeys
from auth_service.tokens.models import SigningKey
from tests.conftest import SECRET, AppFactory, bearer, client_of, settings_for
from tests.moving_clock import MovingClock

OTHER_SECRET = "another secret of the tests, at least 32 characters"
WAIT = {"minutes": 6}  # the JWK Set's five minutes, and one in which every worker has noticed


@pytest.fixture
async def other(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    """Another worker on the same database, with the same clock."""
    async with new_app() as started:
        yield started


def kid_of(tokens: dict[str, Any]) -> str:
    header = tokens["access_token"].split(".")[0]
    kid: str = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    return kid


async def published(client: httpx.AsyncClient) -> set[str]:
    return {key["kid"] for key in (await client.get("/.well-known/jwks.json")).json()["keys"]}


async def states(app: FastAPI) -> dict[str, str]:
    async with app.state.database.transaction() as db:
        rows = await db.execute(select(SigningKey.kid, SigningKey.state))
        return {row.kid: row.state for row in rows}


async def rotate(app: FastAPI) -> None:
    async with app.state.database.transaction() as db:
        await app.state.signing_keys.rotate(db)
    await app.state.signing_keys.look_again()


async def replace_now(app: FastAPI) -> None:
    async with app.state.database.transaction() as db:
        await app.state.signing_keys.replace_now(db)


async def refreshed(client: httpx.AsyncClient, tokens: dict[str, Any]) -> dict[str, Any]:
    body = {"refresh_token": tokens["refresh_token"]}
    found: dict[str, Any] = (await client.post("/auth/refresh", json=body)).json()
    return found


async def status(client: httpx.AsyncClient, tokens: dict[str, Any]) -> int:
    return (await client.get("/users/me", headers=bearer(tokens))).status_code


# --- The life of a key ---


async def test_a_next_key_is_published_before_it_signs(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    first = kid_of(tokens)
    await rotate(app)
    (following,) = await published(client) - {first}
    clock.advance(**WAIT)
    clock.advance(microseconds=-1)
    tokens = await refreshed(client, tokens)
    assert kid_of(tokens) == first
    clock.advance(microseconds=1)
    await app.state.signing_keys.look_again()
    assert kid_of(await refreshed(client, tokens)) == following


async def test_a_worker_that_was_not_told_signs_with_the_new_key_all_the_same(
    client: httpx.AsyncClient,
    other: FastAPI,
    clock: MovingClock,
    tokens: dict[str, Any],
) -> None:
    """Before it signs with keys it read a minute ago, it reads them again."""
    await rotate(other)
    clock.advance(**WAIT)
    assert kid_of(await refreshed(client, tokens)) != kid_of(tokens)


async def test_a_retired_key_verifies_until_its_last_token_has_expired_and_is_then_gone(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    first = kid_of(tokens)
    await rotate(app)
    clock.advance(**WAIT)
    await app.state.signing_keys.look_again()
    assert (await states(app))[first] == "retired"
    clock.advance(minutes=16, microseconds=-1)
    await app.state.signing_keys.look_again()
    assert first in await published(client)
    clock.advance(microseconds=1)
    await app.state.signing_keys.look_again()
    assert first not in await published(client)
    assert list((await states(app)).values()) == ["active"]


async def test_a_token_signed_in_the_last_moment_lives_as_long_as_any(
    app: FastAPI,
    client: httpx.AsyncClient,
    other: FastAPI,
    clock: MovingClock,
    tokens: dict[str, Any],
) -> None:
    """The other worker has not noticed for a minute that the key has retired."""
    await rotate(app)
    clock.advance(**WAIT)
    await other.state.signing_keys.look_again()
    late = tokens  # signed before; refreshed by a worker that still holds the old keys
    assert (await states(app))[kid_of(late)] == "retired"
    clock.advance(seconds=59)
    app.state.signing_keys._keys = None
    late = await refreshed(client, tokens)
    clock.advance(minutes=15, seconds=-1)
    await other.state.signing_keys.look_again()
    await app.state.signing_keys.look_again()
    async with client_of(other) as elsewhere:
        assert await status(elsewhere, late) == 200


async def test_after_the_interval_a_key_rotates_by_itself(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    first = kid_of(tokens)
    clock.advance(days=90)
    await app.state.signing_keys.look_again()
    assert sorted((await states(app)).values()) == ["active", "next"]
    clock.advance(**WAIT)
    await app.state.signing_keys.look_again()
    assert (await states(app))[first] == "retired"
    assert len(await published(client)) == 2


async def test_many_workers_that_find_a_key_old_publish_one_next_key(
    app: FastAPI, other: FastAPI, clock: MovingClock
) -> None:
    clock.advance(days=91)
    workers = [app.state.signing_keys, other.state.signing_keys]
    await asyncio.gather(*(worker.look_again() for worker in workers * 3))
    assert sorted((await states(app)).values()) == ["active", "next"]
    clock.advance(**WAIT)
    keys = await asyncio.gather(*(worker.look_again() for worker in workers * 3))
    assert sorted((await states(app)).values()) == ["active", "retired"]
    assert len({found.signer.kid for found in keys}) == 1


async def test_rotating_while_a_next_key_is_published_changes_nothing(app: FastAPI) -> None:
    await rotate(app)
    before = await states(app)
    await rotate(app)
    assert await states(app) == before


# --- A key that this worker does not know yet ---


async def test_a_token_under_a_key_unknown_here_is_looked_up_and_accepted(
    client: httpx.AsyncClient, other: FastAPI, tokens: dict[str, Any]
) -> None:
    await replace_now(other)
    await other.state.signing_keys.look_again()
    async with client_of(other) as elsewhere:
        fresh = await refreshed(elsewhere, tokens)
    assert kid_of(fresh) != kid_of(tokens)
    assert await status(client, fresh) == 200


async def test_unknown_keys_make_the_worker_look_once_per_cooldown(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    _, payload, signature = tokens["access_token"].split(".")
    reads = []
    for number in range(5):
        header = json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": str(number)}).encode()
        forged = f"{base64.urlsafe_b64encode(header).decode().rstrip('=')}.{payload}.{signature}"
        assert await status(client, {"access_token": forged}) == 401
        reads.append((await app.state.signing_keys.get()).read_at)
        clock.advance(seconds=2)
    assert len(set(reads)) == 2


async def test_a_forgery_that_names_a_known_key_costs_no_look(
    app: FastAPI, client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    before = await app.state.signing_keys.get()
    clock.advance(seconds=10)
    assert await status(client, {"access_token": tokens["access_token"][:-4] + "AAAA"}) == 401
    assert await app.state.signing_keys.get() is before


# --- A key that others may have ---


async def test_replacing_now_refuses_every_token_signed_before_even_remembered_ones(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    assert await status(client, tokens) == 200
    await replace_now(app)
    await app.state.signing_keys.look_again()
    assert await status(client, tokens) == 401
    assert kid_of(tokens) not in await published(client)


async def test_replacing_now_logs_nobody_out(
    app: FastAPI, client: httpx.AsyncClient, tokens: dict[str, Any]
) -> None:
    await replace_now(app)
    await app.state.signing_keys.look_again()
    assert await status(client, await refreshed(client, tokens)) == 200


# --- Faults ---


async def test_a_worker_that_cannot_open_the_next_key_lets_the_old_one_go_on(
    new_app: AppFactory, clock: MovingClock, credentials: dict[str, str]
) -> None:
    async with new_app() as behind, client_of(behind) as client:
        await client.post("/auth/register", json=credentials)
        tokens = (await client.post("/auth/login", json=credentials)).json()
        async with new_app(secret_keys=[OTHER_SECRET, SECRET]) as ahead:
            await rotate(ahead)
        clock.advance(**WAIT)
        assert kid_of(await refreshed(client, tokens)) == kid_of(tokens)
        assert sorted((await states(behind)).values()) == ["active", "next"]


async def test_a_worker_that_cannot_open_the_active_key_answers_503_to_whoever_needs_a_token(
    new_app: AppFactory, clock: MovingClock, credentials: dict[str, str]
) -> None:
    async with new_app() as behind, client_of(behind) as client:
        await client.post("/auth/register", json=credentials)
        tokens = (await client.post("/auth/login", json=credentials)).json()
        async with new_app(secret_keys=[OTHER_SECRET, SECRET]) as ahead:
            await replace_now(ahead)
            await ahead.state.signing_keys.look_again()
            async with client_of(ahead) as elsewhere:
                fresh = await refreshed(elsewhere, tokens)
        assert await status(client, fresh) == 401
        clock.advance(seconds=61)
        answer = await client.post("/auth/login", json=credentials)
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")


async def test_a_worker_that_found_no_database_and_has_no_secret_answers_503(
    new_app: AppFactory, database_url: str, tokens: dict[str, Any]
) -> None:
    late = create_app(settings_for(database_url, secret_keys=[OTHER_SECRET]))
    async with client_of(late) as client:
        assert await status(client, tokens) == 503
    await late.state.database.close()


async def test_a_running_worker_needs_no_secret_for_a_key_it_has_opened(
    new_app: AppFactory, clock: MovingClock, credentials: dict[str, str]
) -> None:
    async with new_app() as behind, client_of(behind) as client:
        await client.post("/auth/register", json=credentials)
        async with (
            new_app(secret_keys=[OTHER_SECRET, SECRET]) as ahead,
            ahead.state.database.transaction() as db,
        ):
            await ahead.state.secret_keys.reencrypt(db)
        clock.advance(seconds=61)
        assert (await client.post("/auth/login", json=credentials)).status_code == 200


async def test_many_who_need_a_key_at_once_read_them_once(app: FastAPI, clock: MovingClock) -> None:
    keys: SigningKeys = app.state.signing_keys
    before = await keys.get()
    clock.advance(seconds=61)
    found = await asyncio.gather(*(keys.get_for_signing() for _ in range(20)))
    assert len({id(read) for read in found}) == 1
    assert found[0] is not before


async def test_keys_are_young_enough_for_the_whole_of_a_transaction(
    app: FastAPI, clock: MovingClock
) -> None:
    """On SQLite the keys could not be changed while the transaction holds the write lock."""
    keys: SigningKeys = app.state.signing_keys
    before = await keys.get()
    clock.advance(seconds=46)
    assert await keys.get_for_signing() is before
    await keys.ensure_for_signing()
    assert await keys.get() is not before


async def test_without_the_database_old_keys_verify_but_do_not_sign(
    app: FastAPI, clock: MovingClock, tokens: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> None:
        raise ServiceUnavailable

    monkeypatch.setattr(app.state.database, "fetch_rows", lost)
    clock.advance(seconds=61)
    await app.state.access_tokens.verify(tokens["access_token"])
    assert (await app.state.access_tokens.jwks())["keys"]
    with pytest.raises(ServiceUnavailable):
        await app.state.signing_keys.get_for_signing()


async def test_a_key_that_cannot_be_opened_at_the_start_ends_it(new_app: AppFactory) -> None:
    async with new_app():
        pass
    with pytest.raises(UndecryptableError):
        async with new_app(secret_keys=[OTHER_SECRET]):
            pass


async def test_a_clock_that_steps_back_makes_no_key_too_young_to_sign(
    client: httpx.AsyncClient, clock: MovingClock, tokens: dict[str, Any]
) -> None:
    clock.advance(seconds=-30)
    assert (await refreshed(client, tokens))["token_type"] == "bearer"


async def test_the_keys_are_looked_at_while_the_app_runs(
    new_app: AppFactory, clock: MovingClock
) -> None:
    async with new_app(key_check_interval=timedelta(milliseconds=20)) as app:
        clock.advance(days=91)
        for _ in range(500):
            if "next" in (await states(app)).values():
                break
            await asyncio.sleep(0.02)
        assert sorted((await states(app)).values()) == ["active", "next"]
