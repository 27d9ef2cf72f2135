"""``GET /.well-known/revocations``: all that validators have to refuse, while tokens live."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text, update

from auth_service.admin.acting import COMMAND_LINE
from auth_service.admin.user_change import UserChange
from auth_service.audit.actions import Action
from auth_service.core.emails import Email
from auth_service.flows.service_tokens import revocation_list
from auth_service.sessions.models import Session
from tests.conftest import bearer
from tests.flows.people import Person
from tests.flows.service_tokens.conftest import Service, new_service
from tests.flows.stored_rows import stored_users
from tests.moving_clock import MovingClock

PATH = "/.well-known/revocations"
EMPTY: dict[str, Any] = {"sessions": [], "users": [], "clients": [], "tokens": []}


@pytest.fixture
async def gateway(app: FastAPI, client: httpx.AsyncClient) -> Service:
    """A service that may read the list."""
    return await new_service(app, client, "revocations")


async def asked(gateway: Service, cursor: str | None = None, **headers: str) -> httpx.Response:
    query = {"cursor": cursor} if cursor else {}
    return await gateway.http.get(PATH, params=query, headers=gateway.basic | headers)


async def listed(gateway: Service, cursor: str | None = None) -> dict[str, Any]:
    answer = await asked(gateway, cursor)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_only_clients_with_the_scope_may_read_it(
    client: httpx.AsyncClient, service: Service, tokens: dict[str, Any]
) -> None:
    for headers in ({}, bearer(tokens)):
        answer = await client.get(PATH, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_client")
        assert "www-authenticate" in answer.headers
    answer = await asked(service)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_an_empty_list_says_how_long_entries_count(gateway: Service) -> None:
    found = await listed(gateway)
    assert {name: found[name] for name in EMPTY} == EMPTY
    assert (found["keep_seconds"], found["more"]) == (900 + 60, False)


async def test_ended_sessions_are_in_it(gateway: Service, ada: Person) -> None:
    await ada.ask("POST", "/auth/logout")
    assert (await listed(gateway))["sessions"] == [ada.tokens["session_id"]]


async def test_users_are_in_it_whose_account_or_roles_changed(
    app: FastAPI, gateway: Service, ada: Person, clock: MovingClock
) -> None:
    [user] = await stored_users(app)
    administration = app.state.user_administration
    seconds = int(clock.now().timestamp())
    async with app.state.database.transaction() as db:
        await administration.change(db, COMMAND_LINE, user.id, UserChange(roles=["editor"]))
    entry = {"id": str(user.id), "not_before": seconds}
    assert (await listed(gateway))["users"] == [entry]
    clock.advance(seconds=5)
    async with app.state.database.transaction() as db:
        await administration.disable(db, Email.parse("ada@example.com"))
    found = await listed(gateway)
    assert found["users"] == [entry, entry | {"not_before": seconds + 5}]
    assert found["sessions"] == [ada.tokens["session_id"]]
    async with app.state.database.transaction() as db:
        await administration.delete(db, COMMAND_LINE, user.id)
    assert len((await listed(gateway))["users"]) == 3


async def test_clients_and_their_tokens_are_in_it(
    app: FastAPI, gateway: Service, service: Service
) -> None:
    token = await service.token()
    token_id = (await service.introspect(token))["jti"]
    await service.revoke(token)
    assert (await listed(gateway))["tokens"] == [token_id]
    async with app.state.database.transaction() as db:
        await COMMAND_LINE.record(
            app.state.audit, db, Action.CLIENT_DELETED, None, client_id=UUID(service.id)
        )
    assert (await listed(gateway))["clients"] == [service.id]


async def test_what_no_token_outlives_is_in_it_no_longer(
    gateway: Service, ada: Person, clock: MovingClock
) -> None:
    await ada.ask("POST", "/auth/logout")
    clock.advance(seconds=959)
    assert (await listed(gateway))["sessions"] != []
    clock.advance(seconds=2)
    assert (await listed(gateway))["sessions"] == []


async def test_a_cursor_goes_on_and_what_has_not_changed_is_not_sent(
    gateway: Service, ada: Person, clock: MovingClock
) -> None:
    first = await listed(gateway)
    clock.advance(minutes=5)
    await ada.ask("POST", "/auth/logout")
    second = await listed(gateway, first["cursor"])
    assert second["sessions"] == [ada.tokens["session_id"]]
    clock.advance(seconds=10)
    third = await asked(gateway, second["cursor"])
    assert third.json()["cursor"] == second["cursor"]
    again = await asked(gateway, second["cursor"], **{"If-None-Match": third.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == third.headers["etag"]


async def test_what_was_committed_late_is_not_missed(
    app: FastAPI, gateway: Service, ada: Person, clock: MovingClock
) -> None:
    """A session that ended before another, in a transaction that committed after it was listed."""
    late = clock.now()
    clock.advance(seconds=5)
    other = await Person(ada.http).log_in()
    await other.ask("POST", "/auth/logout")
    before = await listed(gateway)
    assert before["sessions"] == [other.tokens["session_id"]]
    async with app.state.database.transaction() as db:
        await app.state.sessions.end(db, UUID(ada.tokens["session_id"]), because="late")
        statement = update(Session).where(Session.ended_because == "late")
        await db.execute(statement.values(ended_at=late))
    after = await listed(gateway, before["cursor"])
    assert ada.tokens["session_id"] in after["sessions"]


async def test_a_long_list_comes_in_parts(
    app: FastAPI,
    gateway: Service,
    ada: Person,
    clock: MovingClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(revocation_list, "MOST_ENTRIES", 3)
    ended = set()
    for _ in range(8):
        clock.advance(seconds=1)
        person = await Person(ada.http).log_in()
        await person.ask("POST", "/auth/logout")
        ended.add(person.tokens["session_id"])
    found: list[str] = []
    page: dict[str, Any] = {"cursor": None, "more": True}
    pages = 0
    while page["more"]:
        page = await listed(gateway, page["cursor"])
        found += page["sessions"]
        pages += 1
    assert (set(found), len(found), pages) == (ended, 8, 3)


async def test_what_ended_in_one_moment_stays_together(
    app: FastAPI, gateway: Service, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation_list, "MOST_ENTRIES", 3)
    people = [await Person(ada.http).log_in() for _ in range(5)]
    await people[0].ask("DELETE", "/users/me/sessions")
    page = await listed(gateway)
    assert (len(page["sessions"]), page["more"]) == (3, True)
    assert not (await listed(gateway, page["cursor"]))["more"]


@pytest.mark.parametrize(
    "cursor", ["x", "eA", "é", "ZTk5OTk5OTk5OTk5OTk5OTk5OTk5", "x" * 65, "===="]
)
async def test_what_is_no_cursor_is_refused(gateway: Service, cursor: str) -> None:
    answer = await asked(gateway, cursor)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_ended_sessions_are_found_by_an_index(app: FastAPI, ada: Person) -> None:
    async with app.state.database.transaction() as db:
        await db.execute(
            text(
                "INSERT INTO sessions (id, user_id, client_id, amr, refresh_salt, counter,"
                " created_at, last_used_at, expires_at, ended_at) SELECT gen_random_uuid(), u.id,"
                " 'auth-service', '[]', '', 0, now(), now(), now(), now() - interval '1 day'"
                " FROM users u, generate_series(1, 20000)"
            )
        )
        await db.execute(text("ANALYZE sessions"))
        plan = "\n".join(
            await db.scalars(
                text(
                    "EXPLAIN SELECT ended_at, id FROM sessions WHERE ended_at > now()"
                    " ORDER BY ended_at LIMIT 1001"
                )
            )
        )
    assert "ix_sessions_ended_at" in plan


def test_the_overlap_is_shorter_than_what_is_kept() -> None:
    assert timedelta(0) < revocation_list.LATEST_COMMIT <= revocation_list.LEEWAY
