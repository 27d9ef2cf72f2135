"""``POST /auth/register``: an account, or exactly why not, and what stayed in the database."""

import re
import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from auth_service.core.client import ClientInfo
from auth_service.core.emails import Email
from auth_service.core.errors import ValidationFailed
from tests.conftest import PASSWORD, AppFactory, client_of
from tests.flows.stored_rows import stored_users
from tests.flows.watched_hashing import count_hashing

ADDRESS = "ada@example.com"
WEAK = [
    pytest.param("zq7#kfp", "password_too_short", id="short"),
    pytest.param("x1" * 129, "password_too_long", id="long"),
    pytest.param("x1" * 1000, "password_too_long", id="far-too-long"),
    pytest.param("password123", "password_too_common", id="common"),
    pytest.param("PassWord123", "password_too_common", id="common-in-another-case"),
    pytest.param("grace.hopper", "password_is_address", id="local-part"),
    pytest.param("Grace.Hopper@Example.com", "password_is_address", id="address"),
    pytest.param("Auth Service", "password_is_service_name", id="service-name"),
]


async def register(
    client: httpx.AsyncClient, email: object = ADDRESS, password: object = PASSWORD, **more: object
) -> httpx.Response:
    return await client.post("/auth/register", json={"email": email, "password": password} | more)


async def test_a_new_account_is_answered_with_exactly_the_user(client: httpx.AsyncClient) -> None:
    answer = await register(client, "Ada@Example.com")
    assert answer.status_code == 201
    user = answer.json()
    assert list(user) == [
        "id",
        "email",
        "email_verified",
        "roles",
        "created_at",
        "last_login_at",
    ]
    assert user | {"id": "", "created_at": ""} == {
        "id": "",
        "email": "Ada@example.com",
        "email_verified": False,
        "roles": ["user"],
        "created_at": "",
        "last_login_at": None,
    }


async def test_an_account_has_a_uuid_of_version_7(client: httpx.AsyncClient) -> None:
    assert UUID((await register(client)).json()["id"]).version == 7


async def test_times_are_rfc_3339_in_utc_with_z(client: httpx.AsyncClient, clock: Any) -> None:
    created_at = (await register(client)).json()["created_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", created_at)
    assert datetime.fromisoformat(created_at) == clock.now()


async def test_an_account_carries_personal_data_so_nothing_stores_the_answer(
    client: httpx.AsyncClient,
) -> None:
    assert (await register(client)).headers["cache-control"] == "no-store"


async def test_the_password_is_stored_as_a_hash_of_the_configured_scheme(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await register(client)
    (user,) = await stored_users(app)
    assert user.password_hash is not None
    assert user.password_hash.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert PASSWORD not in user.password_hash


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("ada@example.com", "ADA@EXAMPLE.COM", id="case"),
        pytest.param("ada@example.com", "  ada@example.com\t", id="space-around"),
        pytest.param(
            "ada@example.com",
            "ada@\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.com",
            id="fullwidth-domain",
        ),
        pytest.param(
            "zo\N{LATIN SMALL LETTER E WITH DIAERESIS}@example.com",
            unicodedata.normalize("NFD", "zo\N{LATIN SMALL LETTER E WITH DIAERESIS}@example.com"),
            id="decomposed",
        ),
        pytest.param("ada@bücher.example", "ada@xn--bcher-kva.example", id="idna"),
        pytest.param("stra\xdfe@example.com", "Stra\u1e9ee@example.com", id="capital-sharp-s"),
    ],
)
async def test_another_spelling_of_a_taken_address_is_taken(
    app: FastAPI, client: httpx.AsyncClient, first: str, second: str
) -> None:
    assert (await register(client, first)).status_code == 201
    answer = await register(client, second)
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
    assert len(await stored_users(app)) == 1


async def test_the_second_registration_changes_nothing_about_the_first(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await register(client)
    (before,) = await stored_users(app)
    await register(client, password="another good password")
    (after,) = await stored_users(app)
    assert (after.id, after.password_hash) == (before.id, before.password_hash)


async def test_an_account_keeps_the_address_as_it_was_typed_but_is_compared_by_its_key(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await register(client, "Ada.Lovelace@Bücher.example")
    (user,) = await stored_users(app)
    assert user.email == "Ada.Lovelace@bücher.example"
    assert user.email_key == "ada.lovelace@xn--bcher-kva.example"


@pytest.mark.parametrize(("password", "code"), WEAK)
async def test_a_weak_password_is_refused_with_its_reason(
    app: FastAPI, client: httpx.AsyncClient, password: str, code: str
) -> None:
    answer = await register(client, "grace.hopper@example.com", password)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/password", code)
    assert fault["message"] in answer.json()["detail"]
    assert password not in answer.text
    assert await stored_users(app) == []


async def test_a_weak_password_is_refused_before_any_account_is_looked_up(
    client: httpx.AsyncClient,
) -> None:
    await register(client)
    answer = await register(client, password="password123")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_a_weak_password_costs_no_hashing(app: FastAPI, client: httpx.AsyncClient) -> None:
    scheme = count_hashing(app)
    await register(client, password="password123")
    assert scheme.work == []


async def test_a_taken_address_costs_as_much_hashing_as_a_free_one(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    scheme = count_hashing(app)
    await register(client)
    assert scheme.work == ["hash"]
    await register(client)
    assert scheme.work == ["hash", "hash"]


async def test_a_password_in_its_decomposed_spelling_is_the_same_password(
    client: httpx.AsyncClient,
) -> None:
    composed = "Größenwahn & Ümlaute"
    await register(client, password=composed)
    answer = await client.post(
        "/auth/login",
        json={"email": ADDRESS, "password": unicodedata.normalize("NFD", composed)},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "password",
    [" spaces at both ends ", "🔑🗝️🔐🔏🔒🔓🧷🧿", "كلمة سر طويلة", "many a horse " * 19],
)
async def test_all_of_unicode_and_spaces_are_taken_as_typed(
    client: httpx.AsyncClient, password: str
) -> None:
    assert (await register(client, password=password)).status_code == 201
    right = {"email": ADDRESS, "password": password}
    wrong = {"email": ADDRESS, "password": password.strip()[:-1]}
    assert (await client.post("/auth/login", json=right)).status_code == 200
    assert (await client.post("/auth/login", json=wrong)).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"password": PASSWORD}, "/email", "missing"),
        ({"email": ADDRESS}, "/password", "missing"),
        ({"email": "no address", "password": PASSWORD}, "/email", "invalid_email"),
        ({"email": "a" * 321, "password": PASSWORD}, "/email", "invalid_email"),
        (
            {"email": "\ufdfa" * 31 + "@example.com", "password": PASSWORD},
            "/email",
            "invalid_email",
        ),
        ({"email": 7, "password": PASSWORD}, "/email", "string_type"),
        ({"email": None, "password": PASSWORD}, "/email", "string_type"),
        ({"email": ADDRESS, "password": 12345678}, "/password", "string_type"),
        ({"email": ADDRESS, "password": ""}, "/password", "string_too_short"),
        ({"email": ADDRESS, "password": "p" * 4097}, "/password", "string_too_long"),
    ],
)
async def test_a_field_that_cannot_be_accepted_is_named_by_its_pointer(
    app: FastAPI, client: httpx.AsyncClient, body: dict[str, object], pointer: str, code: str
) -> None:
    answer = await client.post("/auth/register", json=body)
    assert answer.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [
        (pointer, code)
    ]
    assert await stored_users(app) == []


async def test_an_unknown_field_is_refused_without_repeating_its_name(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    answer = await register(client, is_admin=True)
    assert answer.status_code == 422
    assert [fault["code"] for fault in answer.json()["errors"]] == ["extra_forbidden"]
    assert "is_admin" not in answer.text
    assert await stored_users(app) == []


async def test_roles_cannot_be_chosen_by_registering(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    assert (await register(client, roles=["admin"])).status_code == 422
    assert await stored_users(app) == []


async def test_private_registration_makes_the_account_and_tells_nothing(
    new_app: AppFactory,
) -> None:
    async with new_app(registration="private") as app, client_of(app) as client:
        answer = await register(client)
        assert (answer.status_code, answer.json()) == (202, {})
        assert [user.email for user in await stored_users(app)] == [ADDRESS]


async def test_private_registration_answers_a_taken_address_alike_and_changes_nothing(
    new_app: AppFactory,
) -> None:
    async with new_app(registration="private") as app, client_of(app) as client:
        free = await register(client)
        (before,) = await stored_users(app)
        taken = await register(client, password="another good password")
        (after,) = await stored_users(app)
        assert (taken.status_code, taken.content) == (free.status_code, free.content)
        assert _comparable_headers(taken) == _comparable_headers(free)
        assert (after.id, after.password_hash) == (before.id, before.password_hash)


async def test_private_registration_still_tells_what_is_wrong_with_a_password(
    new_app: AppFactory,
) -> None:
    async with new_app(registration="private") as app, client_of(app) as client:
        assert (await register(client, password="password123")).status_code == 422


@pytest.mark.parametrize("password", [PASSWORD, "password123"])
@pytest.mark.parametrize("email", [ADDRESS, "free@example.com"])
async def test_closed_registration_refuses_before_it_looks_at_anything(
    new_app: AppFactory, email: str, password: str
) -> None:
    async with new_app() as app, client_of(app) as client:
        await register(client)
    async with new_app(registration="closed") as app, client_of(app) as client:
        scheme = count_hashing(app)
        answer = await register(client, email, password)
        assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
        assert scheme.work == []
        assert len(await stored_users(app)) == 1


async def test_registrations_are_limited_by_client(new_app: AppFactory) -> None:
    async with new_app(rate_limit_anonymous="2/hour") as app, client_of(app) as client:
        answers = [await register(client, f"user{number}@example.com") for number in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert answers[2].json()["code"] == "rate_limited"
        assert int(answers[2].headers["retry-after"]) > 0
        assert len(await stored_users(app)) == 2


async def test_the_minimum_length_is_a_setting(new_app: AppFactory) -> None:
    async with new_app(password_min_length=15) as app, client_of(app) as client:
        answer = await register(client, password="fourteen chars")
        assert answer.json()["errors"][0]["code"] == "password_too_short"
        assert "15" in answer.json()["detail"]


def _comparable_headers(answer: httpx.Response) -> dict[str, str]:
    changing = {"x-request-id", "ratelimit"}
    return {name: value for name, value in answer.headers.items() if name not in changing}


@pytest.mark.parametrize("role", ["", "two words", "admin,user", "\0"])
async def test_a_role_that_is_none_makes_no_account(app: FastAPI, role: str) -> None:
    email = Email.parse(ADDRESS)
    with pytest.raises(ValidationFailed):
        async with app.state.database.transaction() as db:
            await app.state.registrations.create(
                db, email, PASSWORD, client=ClientInfo(), roles=("user", role)
            )
    assert await stored_users(app) == []
