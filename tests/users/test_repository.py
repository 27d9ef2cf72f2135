"""SQL about accounts, on both databases."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from auth_service.core.passwords import PasswordHash
from auth_service.db.session import Database, Transaction
from auth_service.users import repository
from auth_service.users.account import Account, AccountRecord, NewAccount, ProvenPassword

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
HASH = PasswordHash("$hash$")
NEW_HASH = PasswordHash("$new$")
ADA = NewAccount("Ada@example.com", "ada@example.com", HASH, ["user"])


async def added(database: Database, new: NewAccount = ADA) -> Account:
    async with database.transaction() as db:
        account = await repository.add(db, new, NOW)
    assert account is not None
    return account


async def logged_in(
    database: Database,
    account: Account,
    *,
    proven: PasswordHash | None = HASH,
    new_hash: PasswordHash | None = None,
) -> Account | None:
    async with database.transaction() as db:
        return await repository.record_login(
            db,
            account.id,
            proof=ProvenPassword(proven, by_known_device=False, hard_stop=100),
            new_hash=new_hash,
            now=LATER,
        )


async def disabled(database: Database, *, until: datetime | None = None) -> Account | None:
    async with database.transaction() as db:
        return await repository.set_disabled(db, ADA.email_key, at=NOW, until=until)


# --- Adding ---


async def test_an_added_account_is_as_it_was_given(db: Transaction) -> None:
    account = await repository.add(db, replace(ADA, email_verified=True, roles=["admin"]), NOW)
    assert account is not None
    assert account == Account(
        id=account.id,
        email="Ada@example.com",
        email_verified=True,
        roles=["admin"],
        created_at=NOW,
        last_login_at=None,
        disabled_at=None,
        disabled_until=None,
    )


async def test_a_taken_address_is_refused_in_any_spelling_and_stays_as_it_was(
    database: Database,
) -> None:
    first = await added(database)
    async with database.transaction() as db:
        other = replace(ADA, email="ADA@example.com", password_hash=NEW_HASH, roles=["admin"])
        assert await repository.add(db, other, LATER) is None
    found = await repository.find_credentials(database, ADA.email_key)
    assert found is not None
    assert (found.account, found.password_hash) == (first, HASH)


async def test_a_refused_address_does_not_break_the_transaction(database: Database) -> None:
    await added(database)
    async with database.transaction() as db:
        assert await repository.add(db, ADA, NOW) is None
        assert await repository.add(db, replace(ADA, email_key="bob@example.com"), NOW) is not None
    assert await repository.find_credentials(database, "bob@example.com") is not None


async def test_of_many_that_add_one_address_at_once_one_succeeds(database: Database) -> None:
    async def add() -> Account | None:
        async with database.transaction() as db:
            return await repository.add(db, ADA, NOW)

    made = await asyncio.gather(*(add() for _ in range(8)))
    assert len([account for account in made if account]) == 1


# --- Finding ---


async def test_an_unknown_address_is_none(database: Database) -> None:
    assert await repository.find_credentials(database, "nobody@example.com") is None


async def test_credentials_are_found_by_the_key_and_not_by_the_spelling(database: Database) -> None:
    account = await added(database)
    found = await repository.find_credentials(database, "ada@example.com")
    assert found is not None
    assert (found.account, found.password_hash) == (account, HASH)
    assert await repository.find_credentials(database, "Ada@example.com") is None


async def test_an_account_may_have_no_password(database: Database) -> None:
    await added(database, replace(ADA, password_hash=None))
    found = await repository.find_credentials(database, ADA.email_key)
    assert found is not None
    assert found.password_hash is None


# --- Logging in ---


async def test_a_login_is_noted(database: Database) -> None:
    account = await added(database)
    assert await logged_in(database, account) == replace(account, last_login_at=LATER)
    found = await repository.find_credentials(database, ADA.email_key)
    assert found is not None
    assert (found.account.last_login_at, found.password_hash) == (LATER, HASH)


async def test_a_login_brings_the_upgraded_hash_along(database: Database) -> None:
    await logged_in(database, await added(database), new_hash=NEW_HASH)
    found = await repository.find_credentials(database, ADA.email_key)
    assert found is not None
    assert found.password_hash == NEW_HASH


@pytest.mark.parametrize("proven", [NEW_HASH, None])
async def test_a_login_with_a_password_that_changed_since_counts_for_nothing(
    database: Database, proven: PasswordHash | None
) -> None:
    account = await added(database)
    assert await logged_in(database, account, proven=proven, new_hash=NEW_HASH) is None
    found = await repository.find_credentials(database, ADA.email_key)
    assert found is not None
    assert (found.account, found.password_hash) == (account, HASH)


async def test_an_account_without_a_password_cannot_log_in_with_none(database: Database) -> None:
    """In SQL nothing equals NULL; the update says ``IS NULL`` only where it is asked to."""
    account = await added(database)
    assert await logged_in(database, account, proven=None) is None


async def test_a_disabled_account_cannot_log_in(database: Database) -> None:
    account = await added(database)
    await disabled(database)
    assert await logged_in(database, account) is None


@pytest.mark.parametrize(
    ("until", "enabled"),
    [(LATER + timedelta(seconds=1), False), (LATER, True), (LATER - timedelta(seconds=1), True)],
)
async def test_an_account_disabled_until_a_time_can_log_in_from_then_on(
    database: Database, until: datetime, *, enabled: bool
) -> None:
    account = await added(database)
    await disabled(database, until=until)
    assert (await logged_in(database, account) is not None) is enabled


async def test_a_deleted_account_cannot_log_in(database: Database) -> None:
    ghost = replace(await added(database), id=uuid4())
    assert await logged_in(database, ghost) is None


# --- Disabling, listing, roles ---


async def test_an_account_is_disabled_and_enabled_again(database: Database) -> None:
    account = await added(database)
    assert await disabled(database, until=LATER) == replace(
        account, disabled_at=NOW, disabled_until=LATER
    )
    async with database.transaction() as db:
        assert await repository.set_disabled(db, ADA.email_key, at=None, until=None) == account


async def test_nobody_is_disabled_where_there_is_no_account(database: Database) -> None:
    assert await disabled(database) is None


async def test_pages_follow_one_another_without_gap_or_repetition(database: Database) -> None:
    made = [
        await added(database, replace(ADA, email_key=f"{number}@example.com"))
        for number in range(5)
    ]
    async with database.transaction() as db:
        first = await repository.list_page(db, after=None, limit=3)
        second = await repository.list_page(db, after=first[-1].id, limit=3)
        third = await repository.list_page(db, after=second[-1].id, limit=3)
    assert [*first, *second] == made
    assert list(third) == []


@pytest.mark.parametrize(
    ("roles", "found"),
    [(["user", "admin"], True), (["user"], False), ([], False), (["administrator"], False)],
)
async def test_a_role_is_found_as_a_whole_word_in_any_place(
    database: Database, roles: list[str], *, found: bool
) -> None:
    await added(database, replace(ADA, roles=roles))
    async with database.transaction() as db:
        assert await repository.exists_with_role(db, "admin") is found


async def test_where_there_is_no_account_nobody_has_a_role(db: Transaction) -> None:
    assert not await repository.exists_with_role(db, "admin")


# --- Moving ---

ADA_RECORD = AccountRecord(
    id=uuid4(),
    email="Ada@example.com",
    email_key="ada@example.com",
    email_verified=True,
    password_hash=HASH,
    roles=["user", "admin"],
    created_at=NOW - timedelta(days=900),
    last_login_at=NOW - timedelta(days=1),
    disabled_at=NOW,
    disabled_until=LATER,
)


async def added_records(database: Database, *records: AccountRecord) -> set[UUID]:
    async with database.transaction() as db:
        return await repository.add_records(db, records)


def records_of(*names: str) -> list[AccountRecord]:
    return [
        replace(
            ADA_RECORD, id=uuid4(), email=f"{name}@example.com", email_key=f"{name}@example.com"
        )
        for name in names
    ]


async def test_a_record_is_kept_as_it_was_given(database: Database) -> None:
    assert await added_records(database, ADA_RECORD) == {ADA_RECORD.id}
    assert await repository.list_records(database, after=None, limit=9) == [ADA_RECORD]


async def test_what_is_unknown_about_a_record_stays_unknown(database: Database) -> None:
    bare = replace(
        ADA_RECORD,
        password_hash=None,
        roles=[],
        last_login_at=None,
        disabled_at=None,
        disabled_until=None,
    )
    await added_records(database, bare)
    assert await repository.list_records(database, after=None, limit=9) == [bare]


async def test_no_records_are_none(database: Database) -> None:
    assert await added_records(database) == set()


async def test_a_record_whose_address_or_id_is_taken_is_left_out(database: Database) -> None:
    await added_records(database, ADA_RECORD)
    same_address = replace(ADA_RECORD, id=uuid4(), roles=[])
    same_id = replace(ADA_RECORD, email_key="other@example.com")
    (other,) = records_of("bob")
    assert await added_records(database, same_address, other, same_id) == {other.id}
    found = await repository.list_records(database, after=None, limit=9)
    assert sorted(found, key=lambda record: record.email_key) == [ADA_RECORD, other]


async def test_taken_addresses_and_ids_are_told_from_free_ones(database: Database) -> None:
    ada, bob, eve = records_of("ada", "bob", "eve")
    await added_records(database, ada, bob)
    keys = [record.email_key for record in (ada, bob, eve)]
    assert set(await repository.list_taken_keys(database, keys)) == set(keys[:2])
    ids = [record.id for record in (ada, bob, eve)]
    assert set(await repository.list_taken_ids(database, ids)) == set(ids[:2])


async def test_records_are_read_in_pages_by_id(database: Database) -> None:
    made = sorted(records_of("zoe", "ada", "mia"), key=lambda record: record.id)
    await added_records(database, *made)
    first = await repository.list_records(database, after=None, limit=2)
    second = await repository.list_records(database, after=first[-1].id, limit=2)
    assert [*first, *second] == made


async def test_of_two_that_add_the_same_records_in_opposite_order_neither_waits_for_ever(
    database: Database,
) -> None:
    """Both meet a row that somebody else is adding: each would hold what the other needs next."""
    names = [f"user{number:03}" for number in range(100)]
    adding = []
    with suppress(LookupError):
        async with database.transaction() as db:
            await repository.add_records(db, records_of(names[50]))
            for order in (names, names[::-1]):
                adding.append(asyncio.create_task(added_records(database, *records_of(*order))))
                await asyncio.sleep(0.2)
            raise LookupError
    added_ids = await asyncio.gather(*adding)
    assert sum(map(len, added_ids)) == len(names)
    found = await repository.list_records(database, after=None, limit=101)
    assert {record.id for record in found} == set().union(*added_ids)
