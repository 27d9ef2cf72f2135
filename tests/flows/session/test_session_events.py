"""What the end of a session leaves behind."""

import httpx
from fastapi import FastAPI

from tests.flows.events import actions, events
from tests.flows.mails import kinds, last_mail
from tests.flows.people import Person
from tests.moving_clock import MovingClock


async def test_a_logout_is_written_down_once(
    app: FastAPI, client: httpx.AsyncClient, ada: Person
) -> None:
    body = {"refresh_token": ada.tokens["refresh_token"]}
    for _ in range(2):
        await client.post("/auth/logout", json=body)
    assert await actions(app) == ["user.registered", "login", "session.ended"]
    assert str((await events(app))[-1].session_id) == ada.tokens["session_id"]


async def test_an_ordinary_refresh_is_no_event(app: FastAPI, ada: Person) -> None:
    await ada.refresh()
    assert await actions(app) == ["user.registered", "login"]


async def test_a_token_that_comes_back_is_written_down_and_told_by_mail(
    app: FastAPI, ada: Person, clock: MovingClock
) -> None:
    await ada.refresh()
    clock.advance(minutes=1)
    assert (await ada.refresh()).status_code == 401
    assert (await actions(app))[-1] == "session.refresh_token_reused failed"
    mail = await last_mail(app, "refresh_token_reused")
    assert (mail.to, mail.values["ip"]) == ("ada@example.com", "198.51.100.7")


async def test_it_is_told_once_however_often_it_comes(
    app: FastAPI, ada: Person, clock: MovingClock
) -> None:
    await ada.refresh()
    clock.advance(minutes=1)
    for _ in range(3):
        await ada.refresh()
    assert (await kinds(app)).count("refresh_token_reused to ada@example.com") == 1
