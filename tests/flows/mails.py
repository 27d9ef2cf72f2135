"""What has been put into the outbox, opened: tests' look over the shoulder of the sender."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import FastAPI
from sqlalchemy import func, select

from auth_service.mail.models import OutboxMail
from auth_service.mail.payload import Payload
from auth_service.mailed_tokens.models import MailWish

SECONDS = 10


@dataclass(frozen=True)
class WrittenMail:
    """A mail as it was put into the outbox."""

    kind: str
    to: str
    values: Mapping[str, str]

    @property
    def token(self) -> str:
        """The token in its link."""
        return urlsplit(self.values["link"]).fragment.removeprefix("token=")


async def mails(app: FastAPI) -> list[WrittenMail]:
    """Every mail that was written so far, the oldest first, once all wishes are seen to."""
    await _wishes_are_seen_to(app)
    async with app.state.database.transaction() as db:
        rows = list(
            await db.scalars(
                select(OutboxMail).where(OutboxMail.kind != "webhook").order_by(OutboxMail.id)
            )
        )
    found = []
    for row in rows:
        assert row.payload is not None
        payload = Payload.opened(row.payload, app.state.keyring, row.id)
        found.append(WrittenMail(row.kind, payload.to, payload.values))
    return found


async def kinds(app: FastAPI) -> list[str]:
    """The kinds of the mails that were written so far, with their recipients."""
    return [f"{mail.kind} to {mail.to}" for mail in await mails(app)]


async def last_mail(app: FastAPI, kind: str) -> WrittenMail:
    """The newest mail of a kind."""
    return [mail for mail in await mails(app) if mail.kind == kind][-1]


async def _wishes_are_seen_to(app: FastAPI) -> None:
    """Do what the background task of the app would do in a moment, or wait until it has."""
    async with asyncio.timeout(SECONDS):
        while True:
            await app.state.wishes.fulfil_all()
            async with app.state.database.transaction() as db:
                if not await db.scalar(select(func.count()).select_from(MailWish)):
                    return
            await asyncio.sleep(0.01)
