"""An nginx with the documentation's `auth_request` really protects a page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import bearer
from tests.running_server import NewServer, RunningServer
from tests.third_party.application import Application, application
from tests.third_party.nginx import nginx


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite, as `make run` has it."""
    return sqlite_url


@dataclass
class Site:
    """A page behind nginx, the service that is asked, and a person who has logged in."""

    page: httpx.AsyncClient
    service: httpx.AsyncClient
    server: RunningServer
    application: Application
    user: dict[str, Any]
    tokens: dict[str, Any]


@pytest.fixture
async def site(
    new_server: NewServer, tmp_path: Path, credentials: dict[str, str]
) -> AsyncIterator[Site]:
    with application() as app:
        async with (
            new_server() as server,
            nginx(tmp_path / "nginx", auth_port=server.port, application_port=app.port) as address,
            server.client() as service,
            httpx.AsyncClient(base_url=address, timeout=30) as page,
        ):
            user = (await service.post("/auth/register", json=credentials)).json()
            tokens = (await service.post("/auth/login", json=credentials)).json()
            yield Site(page, service, server, app, user, tokens)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer x"}, {"X-Auth-User-Id": "root"}],
    ids=["none", "bad", "claimed"],
)
async def test_without_a_good_token_the_page_is_not_shown(
    site: Site, headers: dict[str, str]
) -> None:
    answer = await site.page.get("/", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert site.application.heard == []


async def test_with_a_good_token_the_application_is_told_who_it_is(site: Site) -> None:
    answer = await site.page.get("/", headers=bearer(site.tokens))
    assert (answer.status_code, answer.text) == (200, "page")
    (heard,) = site.application.heard
    assert heard.told() == {
        "x-auth-user-id": [site.user["id"]],
        "x-auth-email": [site.user["email"]],
        "x-auth-roles": ["user"],
        "x-auth-session-id": [site.tokens["session_id"]],
    }
    assert "authorization" not in dict(heard.headers)


async def test_what_the_client_says_of_itself_does_not_reach_the_application(site: Site) -> None:
    spoofed = [
        ("X-Auth-User-Id", "root"),
        ("x-auth-user-id", "root"),
        ("X_Auth_User_Id", "root"),
        ("X-Auth-Email", "root@example.com"),
        ("X-Auth-Roles", "admin"),
        ("X_Auth_Roles", "admin"),
        ("X-Auth-Session-Id", "root"),
        ("Connection", "X-Auth-Roles, X-Auth-User-Id"),
    ]
    headers = [*bearer(site.tokens).items(), *spoofed]
    assert (await site.page.get("/", headers=headers)).status_code == 200
    (heard,) = site.application.heard
    assert heard.told() == {
        "x-auth-user-id": [site.user["id"]],
        "x-auth-email": [site.user["email"]],
        "x-auth-roles": ["user"],
        "x-auth-session-id": [site.tokens["session_id"]],
    }


async def test_what_is_sent_goes_to_the_application_alone(site: Site) -> None:
    sent = b"x" * 100_000  # more than the service takes
    answer = await site.page.post("/form", content=sent, headers=bearer(site.tokens))
    assert answer.status_code == 200
    (heard,) = site.application.heard
    assert (heard.method, heard.body) == ("POST", sent)


async def test_after_the_logout_the_page_is_not_shown(site: Site) -> None:
    assert (await site.page.get("/", headers=bearer(site.tokens))).status_code == 200
    assert (await site.service.post("/auth/logout", headers=bearer(site.tokens))).is_success
    assert (await site.page.get("/", headers=bearer(site.tokens))).status_code == 401
    assert len(site.application.heard) == 1


async def test_while_the_service_is_down_the_page_is_not_shown(site: Site) -> None:
    await site.server.stop()
    assert (await site.page.get("/", headers=bearer(site.tokens))).status_code == 500
    assert site.application.heard == []


async def test_nobody_reaches_the_service_through_the_inner_address(site: Site) -> None:
    answer = await site.page.get("/_validate", headers=bearer(site.tokens))
    assert answer.status_code == 404
    assert "x-auth-user-id" not in answer.headers
