"""What a request's cookies and origin change in what the browser keeps."""

import httpx
import pytest
from structlog.testing import capture_logs

from tests.conftest import AppFactory, client_of
from tests.flows.people import Person

OAUTH = {"grant_type": "password", "username": "ada@example.com", "password": "x"}
OURS = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://localhost:8000"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://app.example.com"},
]
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.com"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example.com"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Headers are the same on either database."""
    return sqlite_url


def keeps_device(answer: httpx.Response) -> bool:
    assert answer.status_code == 200, answer.text
    return any("device=" in value for value in answer.headers.get_list("set-cookie"))


async def both_logins(
    new_app: AppFactory, headers: dict[str, str]
) -> tuple[httpx.Response, httpx.Response]:
    async with new_app(cors_origins=["https://app.example.com"]) as app, client_of(app) as http:
        ada = await Person(http).register()
        credentials = {"email": ada.email, "password": ada.password}
        by_json = await http.post("/auth/login", json=credentials, headers=headers)
        form = OAUTH | {"password": ada.password}
        return by_json, await http.post("/oauth/token", data=form, headers=headers)


@pytest.mark.parametrize("headers", OURS)
async def test_a_login_of_our_own_pages_keeps_the_device(
    new_app: AppFactory, headers: dict[str, str]
) -> None:
    assert all(map(keeps_device, await both_logins(new_app, headers)))


@pytest.mark.parametrize("headers", FOREIGN)
async def test_another_site_cannot_replace_the_device(
    new_app: AppFactory, headers: dict[str, str]
) -> None:
    assert not any(map(keeps_device, await both_logins(new_app, headers)))


@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout", "/auth/login"])
async def test_two_cookies_of_one_name_are_refused(ada: Person, path: str) -> None:
    token = ada.tokens["refresh_token"]
    name = "__Host-device" if path == "/auth/login" else "__Secure-refresh_token"
    body = {"email": ada.email, "password": ada.password} if path == "/auth/login" else None
    for cookies in ([f"{name}=x; {name}={token}"], [f"{name}={token}", f"{name}={token}"]):
        answer = await ada.http.post(
            path,
            json=body,
            headers=[("Sec-Fetch-Site", "same-origin"), *(("Cookie", each) for each in cookies)],
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "ambiguous_request")
    assert await ada.is_logged_in()


async def test_logout_and_deletion_clear_what_pages_have_stored(ada: Person, bob: Person) -> None:
    left = await ada.ask("POST", "/auth/logout")
    assert left.headers["clear-site-data"] == '"cache", "storage"'
    gone = await bob.ask("DELETE", "/users/me", password=bob.password)
    assert gone.headers["clear-site-data"] == '"cache", "storage"'


async def test_a_cross_site_refusal_is_logged_and_counted(new_app: AppFactory) -> None:
    async with new_app(metrics_token="0123456789abcdef") as app, client_of(app) as http:
        with capture_logs() as logged:
            await http.post(
                "/auth/refresh",
                headers={"Cookie": "__Secure-refresh_token=x", "Origin": "https://evil.example"},
            )
        assert (
            'auth_refusals_total{code="csrf_rejected"} 1.0'
            in app.state.metrics.exposition().decode()
        )
    [line] = [line for line in logged if line["event"] == "csrf_rejected"]
    assert line["origin"] == "https://evil.example"
