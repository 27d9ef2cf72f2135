"""Ending the sessions of everybody: an emergency measure."""

import httpx
import pytest
from fastapi import FastAPI

from auth_service.db import batches
from auth_service.sessions import repository
from tests.flows.events import actions, events
from tests.flows.people import Person
from tests.flows.stored_rows import stored_sessions


async def people(client: httpx.AsyncClient, count: int) -> list[Person]:
    return [
        await (await Person(client, email=f"p{number}@example.com").register()).log_in()
        for number in range(count)
    ]


async def test_nobody_is_logged_in_any_more(
    app: FastAPI,
    client: httpx.AsyncClient,
    admin: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)
    monkeypatch.setattr(repository, "BATCH", 2)
    some = await people(client, 5)
    answer = await client.delete("/admin/sessions", headers=admin)
    assert (answer.status_code, answer.content) == (204, b"")
    for person in some:
        assert not await person.is_logged_in()
        assert (await person.refresh()).status_code == 401
    assert (await client.get("/admin/users", headers=admin)).status_code == 401
    assert {session.ended_because for session in await stored_sessions(app)} == {"everybodys_ended"}
    assert "session.everybodys_ended" in await actions(app)
    assert (await some[0].log_in()).tokens


async def test_the_one_who_did_it_is_written_down(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    await client.delete("/admin/sessions", headers=admin)
    [event] = [one for one in await events(app) if one.action == "session.everybodys_ended"]
    assert event.actor_id is not None
    assert event.subject_id is None


async def test_those_who_may_not_end_nothing(client: httpx.AsyncClient, app: FastAPI) -> None:
    [ada] = await people(client, 1)
    assert (await ada.ask("DELETE", "/admin/sessions")).status_code == 403
    assert await ada.is_logged_in()


async def test_validators_that_follow_the_list_of_revocations_learn_of_it(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    [ada] = await people(client, 1)
    await client.delete("/admin/sessions", headers=admin)
    page = await app.state.revocation_list.read(None)
    assert ada.tokens["session_id"] in {entry.value for entry in page.entries}
