"""``POST /oauth/token``: what Swagger UI and standard clients send, and how they are refused."""

from base64 import b64encode
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, AppFactory, bearer, client_of
from tests.flows.stored_rows import change_users, stored_sessions, stored_users

RIGHT = {"email": "ada@example.com", "password": PASSWORD}
LOGIN = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await client.post("/auth/register", json=RIGHT)
    return client


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(pair.encode()).decode()}


async def ask(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await client.post("/oauth/token", data=fields)


async def refresh_token(client: httpx.AsyncClient) -> str:
    token: str = (await ask(client, **LOGIN)).json()["refresh_token"]
    return token


def refused(answer: httpx.Response, status: int, error: str) -> bool:
    """Whether it is exactly an error of RFC 6749 section 5.2."""
    return (
        answer.status_code == status
        and answer.headers["content-type"] == "application/json"
        and answer.headers["cache-control"] == "no-store"
        and set(answer.json()) == {"error", "error_description"}
        and answer.json()["error"] == error
    )


async def test_the_password_grant_gives_the_tokens_of_a_login(ada: httpx.AsyncClient) -> None:
    answer = await ask(ada, **LOGIN)
    assert answer.status_code == 200
    assert list(answer.json()) == [
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "refresh_expires_in",
        "session_id",
    ]
    assert (await ada.get("/users/me", headers=bearer(answer.json()))).status_code == 200


async def test_tokens_are_not_to_be_stored_even_by_old_caches(ada: httpx.AsyncClient) -> None:
    answer = await ask(ada, **LOGIN)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"


async def test_what_swagger_ui_sends_logs_in(ada: httpx.AsyncClient) -> None:
    form = LOGIN | {"scope": "", "client_id": "", "client_secret": ""}
    answer = await ada.post("/oauth/token", data=form, headers=basic(":"))
    assert answer.status_code == 200


@pytest.mark.parametrize("client_id", ["", "auth-service"])
async def test_no_client_or_the_public_one_is_no_unknown_client(
    ada: httpx.AsyncClient, client_id: str
) -> None:
    assert (await ask(ada, **LOGIN, client_id=client_id)).status_code == 200


async def test_fields_that_the_endpoint_does_not_know_are_ignored(ada: httpx.AsyncClient) -> None:
    assert (await ask(ada, **LOGIN, audience="https://api.example.com")).status_code == 200


async def test_the_refresh_grant_gives_the_successor(ada: httpx.AsyncClient) -> None:
    first = (await ask(ada, **LOGIN)).json()
    answer = await ask(ada, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert answer.status_code == 200
    assert answer.json()["session_id"] == first["session_id"]
    assert answer.json()["refresh_token"] != first["refresh_token"]
    assert answer.headers["pragma"] == "no-cache"


@pytest.mark.parametrize("token", ["", "rt_", "rt_made-up", "x" * 512])
async def test_a_refresh_token_that_is_good_for_nothing_is_refused(
    ada: httpx.AsyncClient, token: str
) -> None:
    answer = await ask(ada, grant_type="refresh_token", refresh_token=token)
    assert refused(answer, 400, "invalid_grant" if token else "invalid_request")


async def test_a_reused_refresh_token_ends_the_session_here_as_well(
    app: FastAPI, ada: httpx.AsyncClient, clock: Any
) -> None:
    old = await refresh_token(ada)
    await ask(ada, grant_type="refresh_token", refresh_token=old)
    clock.advance(seconds=11)
    answer = await ask(ada, grant_type="refresh_token", refresh_token=old)
    assert refused(answer, 400, "invalid_grant")
    (session,) = await stored_sessions(app)
    assert session.ended_because == "refresh_token_reused"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"password": "wrong"}, id="wrong-password"),
        pytest.param({"username": "bob@example.com"}, id="unknown-address"),
        pytest.param({"username": "no address"}, id="malformed-address"),
    ],
)
async def test_wrong_credentials_are_an_invalid_grant(
    app: FastAPI, ada: httpx.AsyncClient, changes: dict[str, str]
) -> None:
    answer = await ask(ada, **(LOGIN | changes))
    assert refused(answer, 400, "invalid_grant")
    assert await stored_sessions(app) == []


async def test_a_disabled_account_is_an_invalid_grant(app: FastAPI, ada: httpx.AsyncClient) -> None:
    wrong = await ask(ada, **(LOGIN | {"password": "wrong"}))
    (user,) = await stored_users(app)
    await change_users(app, disabled_at=user.created_at)
    answer = await ask(ada, **LOGIN)
    assert refused(answer, 400, "invalid_grant")
    assert answer.content == wrong.content


async def test_an_unverified_address_is_an_invalid_grant_where_verification_is_required(
    new_app: AppFactory,
) -> None:
    async with new_app(require_verified_email=True) as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        assert refused(await ask(client, **LOGIN), 400, "invalid_grant")
        assert await stored_sessions(app) == []


@pytest.mark.parametrize(
    "grant_type", ["authorization_code", "implicit", "PASSWORD", "password ", "\N{BULLET}"]
)
async def test_another_grant_type_is_not_supported(ada: httpx.AsyncClient, grant_type: str) -> None:
    answer = await ask(ada, **(LOGIN | {"grant_type": grant_type}))
    assert refused(answer, 400, "unsupported_grant_type")


@pytest.mark.parametrize("missing", ["grant_type", "username", "password"])
@pytest.mark.parametrize("emptied", [True, False])
async def test_a_form_without_a_field_that_it_needs_is_an_invalid_request(
    app: FastAPI, ada: httpx.AsyncClient, missing: str, *, emptied: bool
) -> None:
    form = {name: value for name, value in LOGIN.items() if name != missing}
    answer = await ask(ada, **form, **({missing: ""} if emptied else {}))
    assert refused(answer, 400, "invalid_request")
    assert await stored_sessions(app) == []


async def test_an_empty_form_is_an_invalid_request(client: httpx.AsyncClient) -> None:
    assert refused(await client.post("/oauth/token"), 400, "invalid_request")


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("Basic " + b64encode(b"somebody:secret").decode(), id="unknown-pair"),
        pytest.param("Basic " + b64encode(b":secret").decode(), id="secret-without-name"),
        pytest.param("Basic " + b64encode(b"nocolon").decode(), id="no-pair"),
        pytest.param("Basic ***", id="no-base64"),
        pytest.param("Basic", id="nothing"),
        pytest.param("Basic Ö", id="beyond-ascii"),
        pytest.param("Bearer abc", id="another-scheme"),
    ],
)
async def test_an_unknown_client_by_header_is_refused_with_a_challenge(
    app: FastAPI, ada: httpx.AsyncClient, authorization: str
) -> None:
    headers = [(b"authorization", authorization.encode("latin-1"))]
    answer = await ada.post("/oauth/token", data=LOGIN, headers=headers)
    assert refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert await stored_sessions(app) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"client_id": "somebody"},
        {"client_id": "somebody", "client_secret": "secret"},
        {"client_id": "auth-service", "client_secret": "secret"},
        {"client_secret": "secret"},
    ],
)
async def test_an_unknown_client_by_form_is_refused_with_a_challenge(
    app: FastAPI, ada: httpx.AsyncClient, fields: dict[str, str]
) -> None:
    answer = await ask(ada, **LOGIN, **fields)
    assert refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert await stored_sessions(app) == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""]
)
async def test_another_content_type_is_415_in_the_form_of_oauth(
    client: httpx.AsyncClient, content_type: str
) -> None:
    answer = await client.post(
        "/oauth/token", content=b'{"grant_type":"password"}', headers={"Content-Type": content_type}
    )
    assert refused(answer, 415, "invalid_request")


async def test_a_field_that_stands_twice_is_an_invalid_request(
    app: FastAPI, ada: httpx.AsyncClient
) -> None:
    form = "grant_type=password&username=ada%40example.com&password=wrong&password=" + PASSWORD
    answer = await ada.post(
        "/oauth/token",
        content=form.replace(" ", "+"),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert refused(answer, 400, "invalid_request")
    assert await stored_sessions(app) == []


@pytest.mark.parametrize(
    "changes",
    [{"username": "a" * 321}, {"password": "p" * 4097}, {"grant_type": "g" * 101}],
)
async def test_a_field_that_is_too_long_is_an_invalid_request(
    ada: httpx.AsyncClient, changes: dict[str, str]
) -> None:
    assert refused(await ask(ada, **(LOGIN | changes)), 400, "invalid_request")


async def test_a_form_that_is_too_large_is_413_in_the_form_of_oauth(
    client: httpx.AsyncClient,
) -> None:
    assert refused(await ask(client, password="p" * 16 * 1024), 413, "invalid_request")


async def test_too_many_logins_are_429_in_the_form_of_oauth(new_app: AppFactory) -> None:
    async with new_app(rate_limit_login="1/minute") as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        assert (await ask(client, **LOGIN)).status_code == 200
        answer = await ask(client, **LOGIN)
        assert refused(answer, 429, "temporarily_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["ratelimit-policy"] == '"login";q=1;w=60'
        assert answer.headers["ratelimit"].startswith('"login";r=0')


async def test_too_many_refreshes_of_a_session_are_429_in_the_form_of_oauth(
    new_app: AppFactory,
) -> None:
    async with new_app(rate_limit_refresh="1/minute") as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        token = await refresh_token(client)
        form = {"grant_type": "refresh_token", "refresh_token": token}
        assert (await ask(client, **form)).status_code == 200
        assert refused(await ask(client, **form), 429, "temporarily_unavailable")


async def test_refreshing_is_not_counted_as_logging_in(new_app: AppFactory) -> None:
    async with new_app(rate_limit_login="1/minute") as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        token = await refresh_token(client)
        answer = await ask(client, grant_type="refresh_token", refresh_token=token)
        assert answer.status_code == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "token", 405), ("POST", "x", 404)])
async def test_what_the_framework_refuses_here_has_the_form_of_oauth(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    assert refused(await client.request(method, f"/oauth/{path}"), status, "invalid_request")
