"""A page of another origin, with its cookies: let in by name, or kept out.

Both ports of 127.0.0.1 are one site to a browser, so the ``SameSite=Strict`` cookie is sent:
whatever is refused here is refused by the service's own rules.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import EMAIL, register, settings_on
from tests.conftest import PASSWORD
from tests.running_server import RunningServer, serving

pytestmark = pytest.mark.browser

PAGE = b"<!DOCTYPE html><title>Another origin</title><link rel=icon href=data:,>"
# A request from inside the page: what a script there gets to see of the answer.
FETCH = """
async ([url, body, accessToken]) => {
  const headers = {};
  if (body !== null) headers["Content-Type"] = "application/json";
  if (accessToken !== null) headers["Authorization"] = `Bearer ${accessToken}`;
  try {
    const answer = await fetch(url, {
      method: url.endsWith("/users/me") ? "GET" : "POST",
      credentials: "include",
      headers,
      ...(body === null ? {} : {body: JSON.stringify(body)}),
    });
    const text = await answer.text();
    return {status: answer.status, body: text ? JSON.parse(text) : null};
  } catch (error) {
    return {status: null, body: null};
  }
}
"""
LOGIN = {"email": EMAIL, "password": PASSWORD, "delivery": "cookie"}
UNREADABLE = {"status": None, "body": None}


async def _send_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + PAGE)
    await writer.drain()
    writer.close()


@pytest.fixture
async def other_origin() -> AsyncIterator[str]:
    """A web server of its own with one empty page."""
    pages = await asyncio.start_server(_send_page, "127.0.0.1", 0)
    async with pages:
        yield f"http://127.0.0.1:{pages.sockets[0].getsockname()[1]}"


@pytest.fixture
async def foreign_page(browser: Browser, other_origin: str) -> Page:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(other_origin)
    return page


@pytest.fixture
async def trusting_server(
    sqlite_url: str, tmp_path: Path, other_origin: str
) -> AsyncIterator[RunningServer]:
    """A server that has the other origin on ``AUTH_CORS_ORIGINS``."""
    settings = settings_on(sqlite_url) | {"AUTH_CORS_ORIGINS": other_origin}
    async with serving(settings, folder=tmp_path) as started:
        await register(started)
        yield started


async def ask(
    page: Page, url: str, body: dict[str, str] | None = None, *, bearer: str | None = None
) -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate(FETCH, [url, body, bearer])
    return found


async def authenticating_cookies(page: Page) -> list[Any]:
    """All that the browser keeps but the one that its device is known by."""
    return [cookie for cookie in await page.context.cookies() if cookie["name"] != "device"]


async def own_page(browser_page: Page, server: RunningServer) -> Page:
    """A page of the service's own origin, in the same browser and so with the same cookies."""
    page = await browser_page.context.new_page()
    # Its policy lets it ask its own origin; that of an answer in JSON allows nothing.
    await page.goto(f"{server.url}/docs")
    return page


async def test_a_trusted_origin_logs_in_refreshes_and_logs_out_by_cookie(
    foreign_page: Page, trusting_server: RunningServer
) -> None:
    url = trusting_server.url
    login = await ask(foreign_page, f"{url}/auth/login", LOGIN)
    assert login["status"] == 200
    assert "refresh_token" not in login["body"]
    refreshed = await ask(foreign_page, f"{url}/auth/refresh")
    assert refreshed["status"] == 200
    assert "refresh_token" not in refreshed["body"]
    token = refreshed["body"]["access_token"]
    me = await ask(foreign_page, f"{url}/users/me", bearer=token)
    assert (me["status"], me["body"]["email"]) == (200, EMAIL)
    assert (await ask(foreign_page, f"{url}/auth/logout"))["status"] == 204
    assert await authenticating_cookies(foreign_page) == []
    assert (await ask(foreign_page, f"{url}/auth/refresh"))["status"] == 401
    assert (await ask(foreign_page, f"{url}/users/me", bearer=token))["status"] == 401


async def test_no_script_sees_the_cookie(
    foreign_page: Page, trusting_server: RunningServer
) -> None:
    await ask(foreign_page, f"{trusting_server.url}/auth/login", LOGIN)
    (cookie,) = await authenticating_cookies(foreign_page)
    assert (cookie["name"], cookie["path"]) == ("refresh_token", "/auth")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert await foreign_page.evaluate("document.cookie") == ""


async def test_another_origin_cannot_read_any_answer(
    foreign_page: Page, server: RunningServer
) -> None:
    for path in ("/auth/login", "/auth/refresh", "/users/me"):
        body = LOGIN if path == "/auth/login" else None
        assert await ask(foreign_page, f"{server.url}{path}", body) == UNREADABLE


async def test_another_origin_neither_refreshes_nor_logs_out_who_is_logged_in(
    foreign_page: Page, server: RunningServer
) -> None:
    own = await own_page(foreign_page, server)
    assert (await ask(own, f"{server.url}/auth/login", LOGIN))["status"] == 200
    before = await foreign_page.context.cookies()
    for path in ("/auth/refresh", "/auth/logout"):
        # Without a body there is no preflight: the request does arrive, with the cookie.
        assert await ask(foreign_page, f"{server.url}{path}") == UNREADABLE
    assert await foreign_page.context.cookies() == before
    refused = await server.logged(rb"path=(\S+) request_id=\S+ status=403", times=2)
    assert refused == [b"/auth/refresh", b"/auth/logout"]
    assert (await ask(own, f"{server.url}/auth/refresh"))["status"] == 200


async def test_the_services_own_origin_needs_no_listing(
    foreign_page: Page, server: RunningServer
) -> None:
    own = await own_page(foreign_page, server)
    assert (await ask(own, f"{server.url}/auth/login", LOGIN))["status"] == 200
    assert (await ask(own, f"{server.url}/auth/refresh"))["status"] == 200
    assert (await ask(own, f"{server.url}/auth/logout"))["status"] == 204
