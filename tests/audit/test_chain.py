"""The chain of seals: whatever is changed, removed or moved afterwards is found."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from auth_service.audit import repository, seal_repository, sealer, verification
from auth_service.audit.actions import Action, Outcome
from auth_service.audit.models import AuditEvent
from auth_service.audit.seal_repository import SealedEvent
from auth_service.core.ids import new_id
from tests.audit.conftest import COUNT, erase, problems, record, record_at, tamper, verified
from tests.conftest import SECRET, AppFactory
from tests.flows.events import events
from tests.moving_clock import MovingClock

OTHER_SECRET = "another secret of at least 32 characters"
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


personal_columns = pytest.mark.parametrize(
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


@personal_columns
async def test_every_column_that_is_personal_is_committed_to(
    chain: FastAPI, column: str, value: str
) -> None:
    await tamper(chain, f"UPDATE audit_events SET {column} = {value} WHERE id = {FIFTH}")
    assert await problems(chain) == [(5, "what is personal in the event was changed")]


async def test_an_erasure_is_no_tampering_where_the_account_was_deleted(chain: FastAPI) -> None:
    user = new_id()
    await record(chain, 2, subject=user)
    await chain.state.audit_sealer.seal_all()
    await erase(chain, user)
    assert await problems(chain) == []
    await chain.state.audit_sealer.seal_all()
    assert await problems(chain) == []


async def test_what_was_erased_before_it_was_sealed_is_no_tampering(app: FastAPI) -> None:
    user = new_id()
    await record(app, 2, subject=user)
    await erase(app, user)
    await app.state.audit_sealer.seal_all()
    assert await problems(app) == []


@personal_columns
async def test_what_is_personal_counts_without_a_salt_too(
    app: FastAPI, column: str, value: str
) -> None:
    """As in a row from before there were salts."""
    await record(app, 2)
    await tamper(app, "UPDATE audit_events SET salt = NULL")
    await app.state.audit_sealer.seal_all()
    assert await problems(app) == []
    await tamper(
        app,
        f"UPDATE audit_events SET {column} = {value} WHERE id ="
        " (SELECT event_id FROM audit_seals WHERE position = 2)",
    )
    assert await problems(app) == [(2, "what is personal in the event was changed")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ip", "'198.51.100.1'"),
        ("request_id", "'request-2'"),
        ("details", """'{"number": 99}'"""),
        ("salt", "mac"),
    ],
)
@pytest.mark.parametrize("is_sealed_first", [True, False])
async def test_nothing_personal_can_be_put_into_an_erased_event(
    app: FastAPI, column: str, value: str, *, is_sealed_first: bool
) -> None:
    user = new_id()
    await record(app, 2, subject=user)
    if is_sealed_first:
        await app.state.audit_sealer.seal_all()
    await erase(app, user)
    await app.state.audit_sealer.seal_all()
    assert await problems(app) == []
    if value == "mac":
        value = "(SELECT mac FROM audit_seals WHERE position = 1)"
    await tamper(
        app,
        f"UPDATE audit_events SET {column} = {value} WHERE id ="
        " (SELECT event_id FROM audit_seals WHERE position = 2)",
    )
    assert await problems(app) == [(2, "what is personal in the event was changed")]


async def test_a_deletion_that_failed_permits_no_erasure(chain: FastAPI) -> None:
    user = new_id()
    await record(chain, 1, subject=user)
    await record(chain, 1, subject=user, action=Action.USER_DELETED, outcome=Outcome.FAILURE)
    await chain.state.audit_sealer.seal_all()
    async with chain.state.database.transaction() as db:
        await repository.erase_personal_data(db, user)
    assert {what for _, what in await problems(chain)} == {
        "what is personal in the event was erased, but the service did not delete its account"
    }


async def test_an_account_may_be_deleted_while_the_chain_is_verified(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "_PAGE", 5)
    user = new_id()
    await record(app, 5)
    await record(app, 5, subject=user)
    await app.state.audit_sealer.seal_all()
    list_sealed = seal_repository.list_sealed

    async def deleted_meanwhile(*arguments: Any, after: int, **options: Any) -> list[SealedEvent]:
        if after == 5:
            await erase(app, user)
        return await list_sealed(*arguments, after=after, **options)

    monkeypatch.setattr(seal_repository, "list_sealed", deleted_meanwhile)
    assert await problems(app) == []


async def test_an_erasure_without_a_deletion_is_found(chain: FastAPI) -> None:
    async with chain.state.database.transaction() as db:
        subject = await db.scalar(
            select(AuditEvent.subject_id).where(text(f"id = {FIFTH}")).limit(1)
        )
        assert subject is not None
        await repository.erase_personal_data(db, subject)
    assert await problems(chain) == [
        (5, "what is personal in the event was erased, but the service did not delete its account")
    ]


@pytest.mark.parametrize("signature", ["", "of another deletion", "junk", None])
async def test_a_forged_deletion_explains_no_erasure(chain: FastAPI, signature: str | None) -> None:
    somebody, victim = new_id(), new_id()
    await record(chain, 1, subject=victim)
    blanked = str((await events(chain))[-1].id)
    if chain.state.database.engine.dialect.name == "sqlite":
        blanked = blanked.replace("-", "")
    await erase(chain, somebody)
    if signature == "of another deletion":
        signature = (await events(chain))[-1].details["erasure_signature"]
    details = {} if signature is None else {"erasure_signature": signature}
    await record(chain, 1, subject=victim, action=Action.USER_DELETED, **details)
    await chain.state.audit_sealer.seal_all()
    await tamper(
        chain,
        "UPDATE audit_events SET ip = NULL, user_agent = NULL, request_id = NULL, details = '{}',"
        f" salt = NULL WHERE id = '{blanked}'",
    )
    assert [what for _, what in await problems(chain)] == [
        "what is personal in the event was erased, but the service did not delete its account"
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
    await tamper(chain, "UPDATE audit_checkpoints SET position = position + 1")
    assert await problems(chain) == [(COUNT + 1, "the checkpoint was changed")]


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


async def test_an_event_that_is_kept_from_being_sealed_is_found(
    chain: FastAPI, clock: MovingClock
) -> None:
    clock.advance(hours=3)
    await record(chain)
    await chain.state.audit_sealer.seal_all()
    await tamper(chain, f"DELETE FROM audit_seals WHERE position = {COUNT}")
    assert await problems(chain) == [
        (COUNT, "the seal was removed"),
        (COUNT + 1, CHANGED),
        (None, "the event was never sealed"),
    ]


async def test_events_may_wait_for_a_worker_to_seal_them(
    chain: FastAPI, clock: MovingClock
) -> None:
    await record(chain, 3)
    clock.advance(minutes=110)
    report = await verified(chain)
    assert (report.problems, report.unsealed) == ([], 3)


async def test_events_that_wait_for_longer_than_any_worker_takes_are_a_problem(
    chain: FastAPI, clock: MovingClock
) -> None:
    """As they do where somebody keeps every worker from sealing."""
    await record(chain, 2)
    clock.advance(hours=2, minutes=1)
    assert await problems(chain) == 2 * [
        (None, "the event waits for a seal for two hours: does the service run?")
    ]


async def test_what_happened_while_no_worker_sealed_is_sealed_by_the_next_look(
    chain: FastAPI, clock: MovingClock
) -> None:
    await record_at(chain, clock.now() + timedelta(minutes=1))
    clock.advance(minutes=30)
    assert await chain.state.audit_sealer.seal_all() == 1


async def test_the_clock_of_a_worker_may_step_back(chain: FastAPI, clock: MovingClock) -> None:
    clock.advance(minutes=40)
    await chain.state.audit_sealer.seal_all()
    clock.advance(minutes=-40)
    await record_at(chain, clock.now())
    assert await chain.state.audit_sealer.seal_all() == 1


async def test_a_look_that_was_not_finished_counts_as_none(
    chain: FastAPI, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record_at(chain, clock.now() - timedelta(days=1))
    clock.advance(hours=2)

    async def held(*_: object) -> bool:
        return False

    with monkeypatch.context() as somebody_else_seals:
        somebody_else_seals.setattr(seal_repository, "try_lock", held)
        assert await chain.state.audit_sealer.seal_all() == 0
    assert await chain.state.audit_sealer.seal_all() == 1


async def test_an_empty_record_has_nothing_to_seal(app: FastAPI) -> None:
    assert await app.state.audit_sealer.seal_all() == 0
    assert (await verified(app)).last is None


async def test_an_event_that_was_committed_late_is_sealed_all_the_same(
    chain: FastAPI, clock: MovingClock
) -> None:
    await record_at(chain, clock.now() - timedelta(minutes=1))
    assert await chain.state.audit_sealer.seal_all() == 1


async def test_an_event_far_in_the_past_is_sealed_within_an_hour(
    chain: FastAPI, clock: MovingClock
) -> None:
    await record_at(chain, clock.now() - timedelta(days=1))
    assert await chain.state.audit_sealer.seal_all() == 0
    clock.advance(hours=1, seconds=1)
    assert await chain.state.audit_sealer.seal_all() == 1


async def test_the_key_is_kept_encrypted_and_survives_another_secret(
    chain: FastAPI, new_app: AppFactory
) -> None:
    async with new_app(secret_keys=[OTHER_SECRET, SECRET]) as app:
        assert await problems(app) == []
        async with app.state.database.transaction() as db:
            await app.state.secret_keys.reencrypt(db)
    async with new_app(secret_keys=[OTHER_SECRET]) as app:
        assert await problems(app) == []


async def test_two_workers_make_one_key(new_app: AppFactory) -> None:
    async with new_app() as one, new_app() as other:
        first, second = await one.state.audit_keys.get(), await other.state.audit_keys.get()
        assert first.mac_key == second.mac_key
