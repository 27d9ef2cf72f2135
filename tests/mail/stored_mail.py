"""The outbox as its tests see it: a database, mails to put, and the rows that stayed."""

from typing import Any

from sqlalchemy import text

from auth_service.core.secrets import Keyring
from auth_service.db.session import Database
from auth_service.mail.message import Mail, MailKind
from auth_service.mail.outbox import Outbox
from tests.conftest import SECRET

KEYRING = Keyring.of([SECRET])
LINK = "https://app.example.com/verify-email#token=t-0123456789"


def mail_to(address: str = "ada@example.com", **changes: Any) -> Mail:
    values: dict[str, Any] = {
        "kind": MailKind.VERIFY_EMAIL,
        "to": address,
        "values": {"link": LINK, "valid_for": "24 hours"},
    }
    return Mail(**(values | changes))


async def put(database: Database, outbox: Outbox, *mails: Mail) -> None:
    async with database.transaction() as db:
        for mail in mails:
            await outbox.put(db, mail)


async def rows(database: Database) -> list[dict[str, Any]]:
    """Every row, the oldest first, as the database has it."""
    async with database.engine.connect() as connection:
        found = await connection.execute(text("SELECT * FROM outbox ORDER BY id"))
        return [dict(row) for row in found.mappings()]
