"""Dropping what is too old: the chain holds at every moment, and whatever breaks it off."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from auth_service.audit import seal_repository, sealer, verification
from auth_service.audit.seal_repository import SealedEvent
from auth_service.core.errors import ServiceUnavailable
from auth_service.core.ids import new_id
from auth_service.db.session import Transaction
from tests.audit.conftest import COUNT, erase, problems, record, tamper, verified
from tests.conftest import AppFactory
from tests.moving_clock import MovingClock

REMOVED = "everything up to here was removed"


@pytest.fixture
async def chain(app: FastAPI, clock: MovingClock) -> FastAPI:
    """Twelve sealed events of 500 days ago."""
    clock.advance(days=-500)
    await record(app, COUNT)
    assert await app.state.audit_sealer.seal_all() == COUNT
    return app


async def remove_old(app: FastAPI) -> None:
    await app.state.audit_sealer.remove_old()


async def seal(app: FastAPI, count: int = 0) -> None:
    await record(app, count)
    assert await app.state.audit_sealer.seal_all() >= count


async def test_what_is_too_old_goes_and_the_chain_holds(chain: FastAPI, clock: MovingClock) -> None:
    clock.advance(days=399)
    await seal(chain, 3)
    clock.advance(days=2)
    await remove_old(chain)
    report = await verified(chain)
    assert (report.checked, report.problems) == (3, [])
    await seal(chain, 2)
    assert (await verified(chain)).checked == 5
    assert await problems(chain) == []


async def test_what_is_not_too_old_stays(chain: FastAPI, clock: MovingClock) -> None:
    clock.advance(days=399)
    await remove_old(chain)
    assert (await verified(chain)).checked == COUNT


async def test_all_of_it_may_be_too_old_and_the_chain_goes_on(
    chain: FastAPI, clock: MovingClock
) -> None:
    head = (await verified(chain)).last
    assert head is not None
    clock.advance(days=401)
    await remove_old(chain)
    report = await verified(chain, expected=(head.position, head.mac))
    assert (report.checked, report.problems) == (0, [])
    for _ in range(2):
        await seal(chain, COUNT)
        clock.advance(minutes=2)
    report = await verified(chain)
    assert (report.checked, report.problems) == (2 * COUNT, [])
    assert report.first is not None
    assert report.first.position == COUNT + 1


async def test_without_a_retention_all_stays(new_app: AppFactory, clock: MovingClock) -> None:
    async with new_app(audit_retention=timedelta(0), audit_seal_interval=3600) as app:
        await seal(app, 2)
        clock.advance(days=10_000)
        await remove_old(app)
        assert (await verified(app)).checked == 2


async def test_without_a_checkpoint_nothing_goes(app: FastAPI) -> None:
    await remove_old(app)
    assert await problems(app) == []


@pytest.fixture
async def too_old(chain: FastAPI, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """Twelve events that are to go, in three batches, and four that stay."""
    clock.advance(days=401)
    await seal(chain, 4)
    monkeypatch.setattr(sealer, "BATCH", 5)
    monkeypatch.setattr(verification, "_PAGE", 4)
    return chain


async def test_one_that_was_broken_off_between_batches_left_a_whole_chain(
    too_old: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove_up_to = seal_repository.remove_up_to
    batches = []

    async def lost_at_the_second(db: Transaction, position: int) -> None:
        batches.append(position)
        if len(batches) == 2:
            raise ServiceUnavailable
        await remove_up_to(db, position)

    with monkeypatch.context() as breaking:
        breaking.setattr(seal_repository, "remove_up_to", lost_at_the_second)
        with pytest.raises(ServiceUnavailable):
            await remove_old(too_old)
    assert batches == [5, 10]
    report = await verified(too_old)
    assert (report.checked, report.problems) == (COUNT + 4 - 5, [])
    await remove_old(too_old)
    report = await verified(too_old)
    assert (report.checked, report.problems) == (4, [])


@pytest.mark.parametrize("moment", [0, 4, 8, 12])
async def test_it_may_run_while_the_chain_is_verified(
    too_old: FastAPI, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    list_sealed = seal_repository.list_sealed

    async def removed_meanwhile(*arguments: Any, after: int, **options: Any) -> list[SealedEvent]:
        if after == moment:
            await remove_old(too_old)
        return await list_sealed(*arguments, after=after, **options)

    monkeypatch.setattr(seal_repository, "list_sealed", removed_meanwhile)
    assert await problems(too_old) == []


async def test_a_deletion_may_go_while_the_chain_is_verified(
    app: FastAPI, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its erased events were read just before, and it is not there any more to explain them."""
    clock.advance(days=-500)
    user = new_id()
    await record(app, 2, subject=user)
    await seal(app)
    await erase(app, user)
    clock.advance(minutes=2)
    await seal(app)
    clock.advance(days=401)
    await seal(app, 4)
    list_deletions = seal_repository.list_deletions

    async def removed_before(*arguments: Any) -> list[tuple[UUID, dict[str, Any]]]:
        await remove_old(app)
        return await list_deletions(*arguments)

    monkeypatch.setattr(seal_repository, "list_deletions", removed_before)
    report = await verified(app)
    assert (report.checked, report.problems) == (4, [])


async def test_a_longer_retention_later_is_no_tampering(
    too_old: FastAPI, new_app: AppFactory
) -> None:
    await remove_old(too_old)
    async with new_app(audit_retention=timedelta(days=3000), audit_seal_interval=3600) as app:
        assert await problems(app) == []


async def test_a_cut_that_was_changed_moved_or_removed_is_found(too_old: FastAPI) -> None:
    await remove_old(too_old)
    await tamper(too_old, "UPDATE audit_cuts SET made_at = '2026-01-01 00:00:00'")
    assert await problems(too_old) == [(12, "where the retention cut the chain was changed")]
    await tamper(too_old, "DELETE FROM audit_cuts")
    assert (COUNT, REMOVED) in await problems(too_old)


async def test_a_checkpoint_is_no_cut(too_old: FastAPI) -> None:
    """Who removes what is old without the key has nothing that says it was the retention."""
    await tamper(
        too_old,
        "DELETE FROM audit_events WHERE id IN"
        f" (SELECT event_id FROM audit_seals WHERE position <= {COUNT})",
        f"DELETE FROM audit_seals WHERE position <= {COUNT}",
        f"INSERT INTO audit_cuts SELECT * FROM audit_checkpoints WHERE position = {COUNT}",
    )
    assert await problems(too_old) == [(COUNT, "where the retention cut the chain was changed")]


async def test_a_seal_from_before_the_cut_is_found(too_old: FastAPI) -> None:
    await remove_old(too_old)
    await tamper(too_old, f"UPDATE audit_seals SET position = 3 WHERE position = {COUNT + 1}")
    assert (3, "a seal from before the chain's beginning") in await problems(too_old)
