"""A mail is written with what it tells of, and nobody who sees the row can read it."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from auth_service.core.secrets import Keyring, UndecryptableError
from auth_service.db.session import Database
from auth_service.mail.outbox import Outbox
from auth_service.mail.payload import Payload
from tests.mail.stored_mail import KEYRING, LINK, mail_to, put, rows


class RefusedError(Exception):
    """Something goes wrong after a mail was put."""


async def test_a_mail_is_due_at_once(database: Database, outbox: Outbox) -> None:
    user_id = uuid4()
    await put(database, outbox, mail_to(user_id=user_id))
    [row] = await rows(database)
    assert row["kind"] == "verify_email"
    assert str(row["user_id"]).replace("-", "") == user_id.hex
    assert row["next_attempt_at"] == row["created_at"]
    assert row["attempts"] == 0
    assert row["sent_at"] is row["given_up_at"] is row["leased_until"] is None


async def test_the_row_tells_neither_the_recipient_nor_the_link(
    database: Database, outbox: Outbox
) -> None:
    await put(database, outbox, mail_to())
    [row] = await rows(database)
    shown = repr(row)
    assert "ada@example.com" not in shown
    assert "t-0123456789" not in shown


async def test_the_service_itself_can_read_it(database: Database, outbox: Outbox) -> None:
    await put(database, outbox, mail_to())
    [row] = await rows(database)
    mail_id = _id_of(row["id"])
    payload = Payload.opened(row["payload"], KEYRING, mail_id)
    assert payload == Payload("ada@example.com", {"link": LINK, "valid_for": "24 hours"})


def test_a_payload_opens_in_no_other_row() -> None:
    sealed = Payload("ada@example.com", {}).sealed(KEYRING, uuid4())
    with pytest.raises(UndecryptableError):
        Payload.opened(sealed, KEYRING, uuid4())


def test_a_payload_opens_under_no_other_secret() -> None:
    mail_id = uuid4()
    sealed = Payload("ada@example.com", {}).sealed(KEYRING, mail_id)
    with pytest.raises(UndecryptableError):
        Payload.opened(sealed, Keyring.of(["another secret"]), mail_id)


async def test_nothing_stays_of_a_transaction_that_fails(
    database: Database, outbox: Outbox
) -> None:
    async def refuse() -> None:
        async with database.transaction() as db:
            await outbox.put(db, mail_to())
            raise RefusedError

    with pytest.raises(RefusedError):
        await refuse()
    assert await rows(database) == []
    assert not outbox.filled.is_set()


async def test_the_sender_is_woken_by_the_commit_and_not_before(
    database: Database, outbox: Outbox
) -> None:
    async with database.transaction() as db:
        await outbox.put(db, mail_to())
        assert not outbox.filled.is_set()
    assert outbox.filled.is_set()


async def test_forgetting_a_user_leaves_the_mails_of_others_and_those_sent(
    database: Database, outbox: Outbox
) -> None:
    leaving, staying = uuid4(), uuid4()
    await put(database, outbox, mail_to(user_id=leaving))
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox SET sent_at = created_at"))
    await put(database, outbox, mail_to(user_id=leaving), mail_to(user_id=staying), mail_to())
    async with database.transaction() as db:
        await outbox.forget_user(db, leaving)
    left = await rows(database)
    assert [row["sent_at"] is not None for row in left] == [True, False, False]
    assert leaving.hex not in {str(row["user_id"]).replace("-", "") for row in left[1:]}


def _id_of(stored: object) -> UUID:
    return stored if isinstance(stored, UUID) else UUID(str(stored))
