"""An unknown address takes the time of an account whose scheme is drawn from those there are."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from passlib.hash import argon2, bcrypt

from auth_service.core.emails import Email
from auth_service.core.passwords import PasswordHash
from auth_service.methods.password.decoys import Decoys
from auth_service.methods.password.hashing import PasswordHasher, Verdict
from auth_service.users import repository
from auth_service.users.account import NewAccount
from tests.conftest import AppFactory, client_of
from tests.flows.people import Person
from tests.flows.stored_rows import change_users
from tests.moving_clock import MovingClock

OLD = PasswordHash(bcrypt.using(rounds=5).hash("the old one"))
COSTLY = PasswordHash(argon2.using(time_cost=1, memory_cost=64, parallelism=1).hash("another"))


@pytest.fixture
async def app(new_app: AppFactory) -> AsyncIterator[FastAPI]:
    async with new_app() as started:
        yield started


@pytest.fixture
def decoys(app: FastAPI) -> Decoys:
    found: Decoys = app.state.password_proofs._decoys
    return found


async def add_accounts(app: FastAPI, *hashes: PasswordHash | None, name: str = "a") -> None:
    async with app.state.database.transaction() as db:
        for number, stored in enumerate(hashes):
            email = f"{name}{number}@example.com"
            await repository.add(
                db, NewAccount(email, email, stored, ["user"]), app.state.clock.now()
            )


def drawn(decoys: Decoys, addresses: int = 1000) -> Counter[str | None]:
    return Counter(decoys.decoy(Email.parse(f"x{n}@example.com")) for n in range(addresses))


async def test_without_accounts_it_is_todays_scheme(decoys: Decoys) -> None:
    await decoys.keep_up()
    assert drawn(decoys, 10) == {None: 10}


async def test_addresses_have_schemes_as_accounts_have(app: FastAPI, decoys: Decoys) -> None:
    own = await app.state.hasher.hash("today's")
    await add_accounts(app, *([OLD] * 6), *([own] * 3), COSTLY, None, None)
    await decoys.keep_up()
    found = drawn(decoys)
    assert set(found) == {OLD, own, COSTLY}
    assert [found[kind] / 1000 for kind in (OLD, own, COSTLY)] == pytest.approx(
        [0.6, 0.3, 0.1], abs=0.06
    )


async def test_an_address_keeps_its_scheme_while_shares_hardly_change(
    app: FastAPI, decoys: Decoys, clock: MovingClock
) -> None:
    own = await app.state.hasher.hash("today's")
    await add_accounts(app, *([OLD] * 50), *([own] * 50))
    await decoys.keep_up()
    before = [decoys.decoy(Email.parse(f"x{n}@example.com")) for n in range(500)]
    await add_accounts(app, own, own, name="b")
    clock.advance(seconds=11)
    await decoys.keep_up()
    after = [decoys.decoy(Email.parse(f"x{n}@example.com")) for n in range(500)]
    moved = sum(one != other for one, other in zip(before, after, strict=True))
    assert moved < 15


async def test_the_sample_is_taken_anew_only_after_some_seconds(
    app: FastAPI, decoys: Decoys, clock: MovingClock
) -> None:
    await decoys.keep_up()
    await add_accounts(app, OLD)
    await decoys.keep_up()
    assert drawn(decoys, 3) == {None: 3}
    clock.advance(seconds=11)
    await decoys.keep_up()
    assert drawn(decoys, 3) == {OLD: 3}


@pytest.mark.parametrize("has_account", [False, True], ids=["unknown", "without-password"])
async def test_a_login_does_the_work_of_the_scheme_that_was_drawn(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, *, has_account: bool
) -> None:
    await add_accounts(app, OLD, OLD)
    if has_account:
        await add_accounts(app, None, name="ada")
    compared: list[str | None] = []
    verify = PasswordHasher.verify

    async def noted(self: PasswordHasher, password: str, stored: PasswordHash | None) -> Verdict:
        compared.append(stored)
        return await verify(self, password, stored)

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    async with client_of(app) as http:
        # The password of somebody whose hash serves as the decoy opens nothing.
        answer = await Person(http, "ada0@example.com", "the old one").try_to_log_in()
    assert answer.status_code == 401
    assert compared == [OLD]


async def test_damaged_hashes_count_as_todays(app: FastAPI, decoys: Decoys) -> None:
    await add_accounts(app, PasswordHash("nonsense"), OLD)
    await change_users(app, password_hash="$2b$04$short")
    await decoys.keep_up()
    assert drawn(decoys, 3) == {"$2b$04$short": 3}
