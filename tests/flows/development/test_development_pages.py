"""The development mailbox and the pages that mails lead to: there in development, nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import text

from auth_service.app import create_app
from auth_service.flows.development import router
from auth_service.mail.message import MailKind
from tests.conftest import AppFactory, client_of, settings_for
from tests.mail.stored_mail import LINK, mail_to, put, rows
from tests.moving_clock import MovingClock

PAGES = {
    "/verify-email": "auth/verify-email",
    "/reset-password": "auth/password/reset",
    "/undo-email-change": "auth/email-change/undo",
}
ADDRESSES = [
    *PAGES,
    "/dev/mailbox",
    "/development-assets/development.css",
    "/development-assets/token-page.js",
]
OWN_MACHINE = ("127.0.0.1", 40000)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app(environment="development", mail_url="console://") as started:
        yield started


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with client_of(app, peer=OWN_MACHINE) as http:
        yield http


async def send(app: FastAPI, **changes: Any) -> None:
    """Put a mail, and wait until the app's sender has tried it."""
    await put(app.state.database, app.state.outbox, mail_to(**changes))
    async with asyncio.timeout(20):
        while not all(map(was_tried, await rows_of(app))):  # noqa: ASYNC110 - a row tells of no event
            await asyncio.sleep(0.01)


def was_tried(row: dict[str, Any]) -> bool:
    return row["attempts"] > 0 and row["leased_until"] is None


async def rows_of(app: FastAPI) -> list[dict[str, Any]]:
    return await rows(app.state.database)


# --- Where they are ---


@pytest.mark.parametrize("address", ADDRESSES)
async def test_each_is_there_in_development(client: AsyncClient, address: str) -> None:
    assert (await client.get(address)).status_code == 200


@pytest.mark.parametrize("environment", ["test", "production"])
async def test_none_is_there_elsewhere(environment: str, clock: MovingClock) -> None:
    settings = settings_for(
        "postgresql://127.0.0.1:1/nowhere",
        environment=environment,
        issuer="https://auth.example.com",
        secret_keys=["x" * 32],
        mail_url="smtp://127.0.0.1:1",
    )
    app = create_app(settings, clock=clock)
    async with client_of(app) as http:
        answers = [await http.get(address) for address in [*ADDRESSES, "/dev", "/dev/"]]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["code"] for answer in answers} == {"not_found"}
    await app.state.hasher.aclose()


async def test_the_description_of_the_api_names_none_of_them(client: AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert not set(paths) & set(ADDRESSES)
    assert not any(path.startswith("/dev") for path in paths)


@pytest.mark.parametrize("address", [*PAGES, "/dev/mailbox"])
async def test_a_page_is_under_the_strict_policy_and_kept_by_nobody(
    client: AsyncClient, address: str
) -> None:
    answer = await client.get(address)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text


async def test_every_file_is_served_and_no_other(client: AsyncClient) -> None:
    static = Path(router.__file__).with_name("static")
    assert {path.name for path in static.iterdir()} == set(router._ASSETS)
    for name in ("router.py", "..%2frouter.py", "x.js"):
        assert (await client.get(f"/development-assets/{name}")).status_code == 404


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_posts_where_the_token_is_used(client: AsyncClient, page: str) -> None:
    answer = await client.get(page)
    assert f'data-action="{PAGES[page]}"' in answer.text
    assert ('name="new_password"' in answer.text) is (page == "/reset-password")


# --- The mailbox ---


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.9", "::1"])
@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
async def test_the_own_machine_sees_it(app: FastAPI, peer: str, host: str) -> None:
    async with client_of(app, peer=(peer, 40000)) as http:
        assert (await http.get("/dev/mailbox", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("198.51.100.7", {}),
        ("198.51.100.7", {"Host": "localhost"}),
        ("198.51.100.7", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Host": "auth.example.com"}),
        ("127.0.0.1", {"Host": "localhost.example.com"}),
        ("127.0.0.1", {"Host": "192.0.2.1:8000"}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=198.51.100.7"}),
    ],
)
async def test_nobody_else_sees_it(app: FastAPI, peer: str, headers: dict[str, str]) -> None:
    async with client_of(app, peer=(peer, 40000)) as http:
        answer = await http.get("/dev/mailbox", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_it_is_off_where_development_is_exposed(new_app: AppFactory) -> None:
    async with (
        new_app(environment="development", development_exposed=True) as app,
        client_of(app, peer=OWN_MACHINE) as http,
    ):
        assert (await http.get("/dev/mailbox")).status_code == 404
        assert (await http.get("/verify-email")).status_code == 200


async def test_an_empty_mailbox_says_so(client: AsyncClient) -> None:
    assert "No mail yet" in (await client.get("/dev/mailbox")).text


async def test_a_sent_mail_is_shown_with_a_link_to_click(client: AsyncClient, app: FastAPI) -> None:
    await send(app)
    page = (await client.get("/dev/mailbox")).text
    assert "<h2>Confirm your e-mail address for auth_service</h2>" in page
    assert "To <b>ada@example.com</b>" in page
    assert f'<a href="{LINK}">{LINK}</a>' in page
    assert ", sent</p>" in page


async def test_a_mail_that_waits_is_shown_with_the_reason(
    new_app: AppFactory,
) -> None:
    async with new_app(environment="development", mail_url="smtp://127.0.0.1:1") as app:
        await send(app)
        async with client_of(app, peer=OWN_MACHINE) as http:
            page = (await http.get("/dev/mailbox")).text
    assert "waiting (connection_lost)" in page
    assert LINK in page


async def test_the_newest_is_on_top(client: AsyncClient, app: FastAPI) -> None:
    await send(app, to="first@example.com")
    await send(app, to="second@example.com")
    page = (await client.get("/dev/mailbox")).text
    assert page.index("second@example.com") < page.index("first@example.com")


async def test_a_hostile_mail_is_only_text(client: AsyncClient, app: FastAPI) -> None:
    hostile = '<script>alert(1)</script> https://x.example/"><script> {0}'
    values = {"at": "now", "device": hostile, "ip": "unknown"}
    await send(app, kind=MailKind.NEW_DEVICE, values=values)
    page = (await client.get("/dev/mailbox")).text
    assert "<script" not in page
    assert "{0}" in page


async def test_a_mail_that_cannot_be_read_does_not_hide_the_others(
    client: AsyncClient, app: FastAPI
) -> None:
    await send(app)
    async with app.state.database.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox SET kind = 'greeting'"))
    await send(app)
    page = (await client.get("/dev/mailbox")).text
    assert "cannot be read: kind_unknown" in page
    assert LINK in page


async def test_after_an_hour_it_can_be_read_no_more(
    client: AsyncClient, app: FastAPI, clock: MovingClock
) -> None:
    await send(app)
    clock.advance(minutes=59)
    await app.state.mail_sender.clear_away()
    assert LINK in (await client.get("/dev/mailbox")).text
    clock.advance(minutes=2)
    await app.state.mail_sender.clear_away()
    assert "No mail yet" in (await client.get("/dev/mailbox")).text
    [row] = await rows_of(app)
    assert row["payload"] is None
    assert row["sent_at"] is not None
