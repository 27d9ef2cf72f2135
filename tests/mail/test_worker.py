"""A started service sends what is put into its outbox; a command only puts."""

import asyncio
from pathlib import Path

import pytest
from fastapi import FastAPI

from auth_service.app import create_app
from auth_service.core.clock import SystemClock
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database
from auth_service.mail.outbox import Outbox
from tests.conftest import SECRET, AppFactory, settings_for
from tests.mail.smtp_server import mail_server
from tests.mail.stored_mail import mail_to, put, rows
from tests.moving_clock import MovingClock
from tests.running_server import NewServer


async def test_a_mail_that_is_committed_leaves_at_once(new_app: AppFactory) -> None:
    async with mail_server() as mailbox, new_app(mail_url=mailbox.url) as app:
        await put(app.state.database, app.state.outbox, mail_to())
        mail = await mailbox.next_to("ada@example.com")
        assert mail.subject == "Confirm your e-mail address for auth_service"


async def test_the_name_and_the_sender_are_those_of_the_settings(new_app: AppFactory) -> None:
    async with (
        mail_server() as mailbox,
        new_app(mail_url=mailbox.url, brand_name="Example", mail_from="Ex <a@example.com>") as app,
    ):
        await put(app.state.database, app.state.outbox, mail_to())
        mail = await mailbox.next_to("ada@example.com")
        assert mail.subject == "Confirm your e-mail address for Example"
        assert mail.message["From"] == "Ex <a@example.com>"


async def test_a_running_server_sends_what_another_process_has_put(
    new_server: NewServer, database_url: str
) -> None:
    async with mail_server() as mailbox:
        server = new_server(AUTH_MAIL_URL=mailbox.url, AUTH_METRICS_TOKEN="metrics")
        async with server as running:
            database = Database.from_settings(settings_for(database_url))
            outbox = Outbox(keyring=Keyring.of([SECRET]), clock=SystemClock())
            await put(database, outbox, mail_to())
            await mailbox.next_to("ada@example.com")
            await running.logged(rb"mail_sent")
            await database.close()
            async with running.client() as http:
                answer = await http.get("/metrics", headers={"Authorization": "Bearer metrics"})
        assert 'auth_mails_total{outcome="sent"} 1.0' in answer.text.splitlines()
        assert b"ada@example.com" not in running.log


async def test_a_server_that_is_stopped_leaves_what_it_could_not_send(
    new_server: NewServer, database_url: str
) -> None:
    database = Database.from_settings(settings_for(database_url))
    outbox = Outbox(keyring=Keyring.of([SECRET]), clock=SystemClock())
    async with mail_server() as mailbox:
        mailbox.stall = asyncio.Event()
        async with new_server(AUTH_MAIL_URL=mailbox.url) as running:
            await put(database, outbox, mail_to())
            async with asyncio.timeout(20):
                while not mailbox.tries:  # noqa: ASYNC110 - the server tells of no event
                    await asyncio.sleep(0.01)
            assert await running.stop() == 0
        assert mailbox.received == []
    [row] = await rows(database)
    assert (row["sent_at"], row["given_up_at"]) == (None, None)
    assert row["payload"] is not None
    await database.close()


async def test_what_a_command_puts_is_sent_by_a_server(
    sqlite_url: str, clock: MovingClock, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings_for(sqlite_url), clock=clock)
    await put(app.state.database, app.state.outbox, mail_to())
    await asyncio.sleep(0)
    assert capsys.readouterr().out == ""
    [row] = await rows(app.state.database)
    assert row["attempts"] == 0
    await close(app)


async def close(app: FastAPI) -> None:
    await app.state.hasher.aclose()
    await app.state.rate_limiter.aclose()
    await app.state.database.close()


async def test_without_a_mail_server_the_mail_is_printed(
    new_app: AppFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with new_app(mail_url="console://") as app:
        await put(app.state.database, app.state.outbox, mail_to())
        printed = ""
        async with asyncio.timeout(20):
            while "#token=t-0123456789\n" not in printed:
                await asyncio.sleep(0.01)
                printed += capsys.readouterr().out


def test_the_templates_are_part_of_the_package() -> None:
    folder = Path(__file__).parents[2] / "auth_service" / "mail" / "templates"
    assert {path.suffix for path in folder.iterdir()} == {".txt", ".html"}
