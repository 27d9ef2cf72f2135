"""The chain of seals: whatever is changed, removed or moved afterwards is found."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from auth_service.audit import seal_repository, sealer
from auth_service.audit.actions import Action
from auth_service.audit.models import AuditEvent, AuditKey
from auth_service.core.client import ClientInfo
from auth_service.core.ids import first_id_at, new_id
from auth_service.core.secrets import Keyring
from tests.audit.conftest import COUNT, problems, record, tamper, verified
from tests.conftest import SECRET, AppFactory
from tests.moving_clock import MovingClock

FIFTH = "(SELECT event_id FROM audit_seals WHERE position = 5)"
CHANGED = "the event or its seal was changed or moved"


async def test_a_whole_chain_has_no_problem(chain: FastAPI) -> None:
    report = await verified(chain)
    assert (report.checked, report.problems) == (COUNT, [])
    assert report.first is not None
    assert report.last is not None
    assert (report.first.position, report.last.position) == (1, COUNT)


async def test_an_empty_chain_has_no_problem(app: FastAPI) -> None:
    assert (await verified(app)).problems == []


async def test_what_is_sealed_is_sealed_once(chain: FastAPI) -> None:
    assert await chain.state.audit_sealer.seal_all() == 0
    await record(chain, 2)
    assert await chain.state.audit_sealer.seal_all() == 2
    assert (await verified(chain)).checked == COUNT + 2


async def test_many_are_sealed_in_batches(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "BATCH", 5)
    await record(app, 12)
    assert await app.state.audit_sealer.seal_all() == 12
    assert await problems(app) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("happened_at", "'2026-01-01 00:00:00'"),
        ("action", "'session.ended'"),
        ("outcome", "'failure'"),
        ("actor_id", "NULL"),
        ("subject_id", "NULL"),
        ("session_id", "id"),
        ("client_id", "id"),
    ],
)
async def test_every_column_that_lasts_is_sealed(chain: FastAPI, column: str, value: str) -> None:
    await tamper(chain, f"UPDATE audit_events SET {column} = {value} WHERE id = {FIFTH}")
    assert await problems(chain) == [(5, CHANGED)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ip", "'198.51.100.1'"),
        ("ip", "NULL"),
        ("user_agent", "'Chrome'"),
        ("request_id", "'request-2'"),
        ("details", "'{}'"),
        ("details", """'{"number": 99}'"""),
    ],
)
async def test_every_column_that_is_personal_is_committed_to(
    chain: FastAPI, column: str, value: str
) -> None:
    await tamper(chain, f"UPDATE audit_events SET {column} = {value} WHERE id = {FIFTH}")
    assert await problems(chain) == [(5, "what is personal in the event was changed")]


async def test_an_erasure_is_no_tampering_where_the_account_was_deleted(chain: FastAPI) -> None:
    user = new_id()
    await record(chain, 2, subject=user)
    await chain.state.audit_sealer.seal_all()
    async with chain.state.database.transaction() as db:
        await chain.state.audit.erase_personal_data(db, user)
        await chain.state.audit.record(db, Action.USER_DELETED, subject=user, client=ClientInfo())
    assert await problems(chain) == []
    await chain.state.audit_sealer.seal_all()
    assert await problems(chain) == []


async def test_what_was_erased_before_it_was_sealed_is_no_tampering(app: FastAPI) -> None:
    user = new_id()
    await record(app, 2, subject=user)
    async with app.state.database.transaction() as db:
        await app.state.audit.erase_personal_data(db, user)
        await app.state.audit.record(db, Action.USER_DELETED, subject=user, client=ClientInfo())
    await app.state.audit_sealer.seal_all()
    assert await problems(app) == []


async def test_an_erasure_without_a_deletion_is_found(chain: FastAPI) -> None:
    async with chain.state.database.transaction() as db:
        subject = await db.scalar(
            select(AuditEvent.subject_id).where(text(f"id = {FIFTH}")).limit(1)
        )
        assert subject is not None
        await chain.state.audit.erase_personal_data(db, subject)
    assert await problems(chain) == [
        (5, "what is personal in the event was erased, but its account was not deleted")
    ]


async def test_a_removed_event_is_found(chain: FastAPI) -> None:
    await tamper(chain, f"DELETE FROM audit_events WHERE id = {FIFTH}")
    assert await problems(chain) == [(5, "the event was removed")]


async def test_an_event_removed_with_its_seal_is_found(chain: FastAPI) -> None:
    await tamper(
        chain,
        f"DELETE FROM audit_events WHERE id = {FIFTH}",
        "DELETE FROM audit_seals WHERE position = 5",
    )
    assert await problems(chain) == [(5, "the seal was removed"), (6, CHANGED)]


async def test_removed_last_rows_are_found(chain: FastAPI) -> None:
    await tamper(
        chain,
        "DELETE FROM audit_events WHERE id IN"
        " (SELECT event_id FROM audit_seals WHERE position > 10)",
        "DELETE FROM audit_seals WHERE position > 10",
    )
    assert await problems(chain) == [(COUNT, "the last rows up to here were removed")]


async def test_removed_last_rows_are_found_without_their_checkpoint_by_an_older_head(
    chain: FastAPI,
) -> None:
    last = (await verified(chain)).last
    assert last is not None
    head = (last.position, last.mac)
    assert (await verified(chain, expected=head)).problems == []
    await tamper(
        chain,
        "DELETE FROM audit_checkpoints",
        "DELETE FROM audit_events WHERE id IN"
        " (SELECT event_id FROM audit_seals WHERE position > 10)",
        "DELETE FROM audit_seals WHERE position > 10",
    )
    found = (await verified(chain, expected=head)).problems
    assert [problem.what for problem in found] == [
        "every checkpoint was removed",
        "the head that was expected is not in the chain",
    ]


async def test_removed_first_rows_are_found(chain: FastAPI) -> None:
    await tamper(
        chain,
        "DELETE FROM audit_events WHERE id IN"
        " (SELECT event_id FROM audit_seals WHERE position < 5)",
        "DELETE FROM audit_seals WHERE position < 5",
    )
    assert (4, "everything up to here was removed") in await problems(chain)


async def test_rows_that_were_swapped_are_found(chain: FastAPI) -> None:
    async with chain.state.database.transaction() as db:
        five, six = [
            str(await db.scalar(text(f"SELECT event_id FROM audit_seals WHERE position = {n}")))
            for n in (5, 6)
        ]
    await tamper(
        chain,
        f"UPDATE audit_seals SET event_id = '{'0' * 32}' WHERE position = 5",
        f"UPDATE audit_seals SET event_id = '{five}' WHERE position = 6",
        f"UPDATE audit_seals SET event_id = '{six}' WHERE position = 5",
    )
    assert {position for position, _ in await problems(chain)} == {5, 6}


async def test_a_changed_seal_is_found(chain: FastAPI) -> None:
    await tamper(
        chain,
        "UPDATE audit_seals SET mac = (SELECT mac FROM audit_seals WHERE position = 1)"
        " WHERE position = 5",
    )
    assert (5, CHANGED) in await problems(chain)


async def test_a_seal_other_than_the_signed_one_is_found(chain: FastAPI) -> None:
    await tamper(
        chain,
        "UPDATE audit_seals SET mac = (SELECT mac FROM audit_seals WHERE position = 1)"
        f" WHERE position = {COUNT}",
    )
    assert await problems(chain) == [
        (COUNT, CHANGED),
        (COUNT, "the seal is not the one that was signed"),
    ]


async def test_a_changed_checkpoint_is_found(chain: FastAPI) -> None:
    await tamper(chain, "UPDATE audit_checkpoints SET made_at = '2026-01-01 00:00:00'")
    assert await problems(chain) == [(COUNT, "the checkpoint was changed")]


async def test_an_event_that_is_never_sealed_is_found(chain: FastAPI, clock: MovingClock) -> None:
    await record(chain)
    assert await problems(chain) == []
    clock.advance(minutes=11)
    assert [what for _, what in await problems(chain)] == ["the event was never sealed"]


async def test_an_event_that_was_committed_late_is_sealed_all_the_same(
    chain: FastAPI, clock: MovingClock
) -> None:
    late = first_id_at(clock.now() - timedelta(minutes=1))
    async with chain.state.database.transaction() as db:
        db.add(
            AuditEvent(
                id=late, happened_at=clock.now(), action="login", outcome="success", details={}
            )
        )
    assert await chain.state.audit_sealer.seal_all() == 1


async def test_an_event_far_in_the_past_is_sealed_within_an_hour(
    chain: FastAPI, clock: MovingClock
) -> None:
    async with chain.state.database.transaction() as db:
        db.add(
            AuditEvent(
                id=first_id_at(clock.now() - timedelta(days=1)),
                happened_at=clock.now(),
                action="login",
                outcome="success",
                details={},
            )
        )
    assert await chain.state.audit_sealer.seal_all() == 0
    clock.advance(hours=1, seconds=1)
    assert await chain.state.audit_sealer.seal_all() == 1


async def test_the_key_is_kept_encrypted_and_survives_another_secret(
    chain: FastAPI, new_app: AppFactory
) -> None:
    async with new_app(secret_keys=["another secret of at least 32 characters", SECRET]) as app:
        assert await problems(app) == []
        async with app.state.database.transaction() as db:
            assert await app.state.audit_keys.reencrypt(db)
            await app.state.signing_keys.reencrypt(db)
        async with app.state.database.transaction() as db:
            assert not await app.state.audit_keys.reencrypt(db)
            wrapped = await db.scalar(select(AuditKey.secret))
    assert wrapped is not None
    assert not Keyring.of([SECRET]).is_current(wrapped)
    async with new_app(secret_keys=["another secret of at least 32 characters"]) as app:
        assert await problems(app) == []


async def test_two_workers_make_one_key(new_app: AppFactory) -> None:
    async with new_app() as one, new_app() as other:
        first, second = await one.state.audit_keys.get(), await other.state.audit_keys.get()
        assert first.mac_key == second.mac_key


async def test_without_a_key_there_is_nothing_to_put_under_another_secret(app: FastAPI) -> None:
    async with app.state.database.transaction() as db:
        await db.execute(text("DELETE FROM audit_keys"))
    async with app.state.database.transaction() as db:
        assert not await app.state.audit_keys.reencrypt(db)


# --- Retention ---


async def test_what_is_too_old_goes_and_the_chain_holds(chain: FastAPI, clock: MovingClock) -> None:
    clock.advance(days=399)
    await record(chain, 3)
    await chain.state.audit_sealer.seal_all()
    clock.advance(days=2)
    await chain.state.audit_sealer.remove_old()
    report = await verified(chain)
    assert (report.checked, report.problems) == (3, [])
    await record(chain, 2)
    await chain.state.audit_sealer.seal_all()
    assert (await verified(chain)).checked == 5
    assert await problems(chain) == []


async def test_what_is_not_too_old_stays(chain: FastAPI, clock: MovingClock) -> None:
    clock.advance(days=399)
    await chain.state.audit_sealer.remove_old()
    assert (await verified(chain)).checked == COUNT


async def test_all_of_it_may_be_too_old(chain: FastAPI, clock: MovingClock) -> None:
    clock.advance(days=401)
    await chain.state.audit_sealer.remove_old()
    assert (await verified(chain)).checked == 0
    assert await problems(chain) == []


async def test_without_a_retention_all_stays(new_app: AppFactory, clock: MovingClock) -> None:
    async with new_app(audit_retention=timedelta(0), audit_seal_interval=3600) as app:
        await record(app, 2)
        await app.state.audit_sealer.seal_all()
        clock.advance(days=10_000)
        await app.state.audit_sealer.remove_old()
        assert (await verified(app)).checked == 2


# --- What PostgreSQL refuses ---


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET action = 'logout'",
        "UPDATE audit_events SET ip = '198.51.100.1'",
        "UPDATE audit_events SET ip = NULL",
        "UPDATE audit_events SET salt = NULL, ip = NULL, user_agent = NULL, request_id = NULL,"
        " details = '{}', action = 'logout'",
        "DELETE FROM audit_events",
        "UPDATE audit_seals SET position = position + 100",
        "DELETE FROM audit_seals",
        "DELETE FROM audit_checkpoints",
    ],
)
@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_rows_can_only_be_added(chain: FastAPI, statement: str) -> None:
    with pytest.raises(DBAPIError, match="can only be added"):
        async with chain.state.database.engine.begin() as connection:
            await connection.execute(text(statement))
    assert await problems(chain) == []


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_one_worker_seals_at_a_time_and_the_others_do_not_wait(app: FastAPI) -> None:
    await record(app)
    async with app.state.database.transaction() as db:
        assert await seal_repository.try_lock(db)
        assert await app.state.audit_sealer.seal_all() == 0
    assert await app.state.audit_sealer.seal_all() == 1
