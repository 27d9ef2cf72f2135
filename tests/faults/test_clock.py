"""The clock of a host steps back by half a minute: nobody is thrown out, nothing is repeated."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from tests.faults.reliability import note
from tests.flows.people import Person
from tests.flows.stored_rows import stored_sessions
from tests.moving_clock import MovingClock

STEP = timedelta(seconds=30)


@pytest.fixture
async def person(client: httpx.AsyncClient, clock: MovingClock) -> Person:
    person = await (await Person(client).register()).log_in()
    clock.advance(minutes=5)
    person.tokens = (await person.refresh()).json()
    return person


async def test_sessions_and_tokens_go_on(app: FastAPI, person: Person, clock: MovingClock) -> None:
    clock.advance(seconds=-STEP.total_seconds())
    assert await person.is_logged_in()
    for _ in range(3):
        answer = await person.refresh()
        assert answer.status_code == 200
        person.tokens = answer.json()
        assert await person.is_logged_in()
        clock.advance(seconds=11)
    assert (await person.try_to_log_in()).status_code == 200
    first, *_ = await stored_sessions(app)
    assert (first.counter, first.ended_at) == (4, None)
    note(
        "the clock steps back by 30 s",
        clients_see="every request is answered",
        until_normal="0.0 s",
        lost="nothing",
    )


async def test_a_used_token_is_still_found_out(
    app: FastAPI, person: Person, clock: MovingClock
) -> None:
    """The step makes no second chance of the time in which the same token may come twice."""
    used = dict(person.tokens)
    person.tokens = (await person.refresh()).json()
    person.tokens = (await person.refresh()).json()
    clock.advance(seconds=-STEP.total_seconds())
    thief = Person(person.http, tokens=used)
    assert (await thief.refresh()).status_code == 401
    [session] = await stored_sessions(app)
    assert session.ended_at is not None


async def test_what_has_ended_stays_ended(app: FastAPI, person: Person, clock: MovingClock) -> None:
    await person.http.post("/auth/logout", json={"refresh_token": person.tokens["refresh_token"]})
    clock.advance(seconds=-STEP.total_seconds())
    assert not await person.is_logged_in()
    assert (await person.refresh()).status_code == 401
