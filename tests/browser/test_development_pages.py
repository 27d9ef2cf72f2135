"""From a mail to its page and its button, as a newcomer goes."""

import json

import pytest
from playwright.async_api import Browser, Page, Route, expect

from auth_service.core.clock import SystemClock
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database
from auth_service.mail.outbox import Outbox
from tests.browser.watched_page import WatchedPage
from tests.conftest import SECRET, settings_for
from tests.mail.stored_mail import mail_to, put
from tests.running_server import RunningServer

pytestmark = pytest.mark.browser

PAGES = {
    "/verify-email": "/auth/verify-email",
    "/reset-password": "/auth/password/reset",
    "/undo-email-change": "/auth/email-change/undo",
}


async def posted(page: Page, *, status: int, body: str = "") -> list[dict[str, str]]:
    """Answer every POST in the service's place; what was posted, with its path."""
    seen: list[dict[str, str]] = []

    async def answer(route: Route) -> None:
        path = "/" + route.request.url.split("/", 3)[3]
        seen.append({"path": path, **json.loads(route.request.post_data or "{}")})
        await route.fulfill(
            status=status, body=body, headers={"Content-Type": "application/problem+json"}
        )

    await page.route("**/auth/**", answer)
    return seen


@pytest.mark.parametrize("path", PAGES)
async def test_the_button_posts_the_token_and_the_page_says_how_it_went(
    browser: Browser, server: RunningServer, path: str
) -> None:
    watched = await WatchedPage.open(browser, f"{server.url}{path}#token=t-1")
    seen = await posted(watched.page, status=204)
    expected = {"path": PAGES[path], "token": "t-1"}
    if path == "/reset-password":
        await watched.page.get_by_label("New password").fill("correct horse")
        expected["new_password"] = "correct horse"
    assert seen == []
    await watched.page.get_by_role("button").click()
    await expect(watched.page.get_by_role("status")).not_to_be_empty()
    assert seen == [expected]
    assert await watched.page.locator("form").is_hidden()
    assert (watched.errors, await watched.violations()) == ([], [])
    assert not any("t-1" in url.partition("#")[0] for url in watched.requests)


async def test_a_refusal_is_shown_in_the_service_s_words(
    browser: Browser, server: RunningServer
) -> None:
    watched = await WatchedPage.open(browser, f"{server.url}/verify-email#token=t-1")
    await posted(watched.page, status=400, body='{"detail": "<b>This link was used.</b>"}')
    await watched.page.get_by_role("button").click()
    await expect(watched.page.get_by_role("status")).to_have_text("<b>This link was used.</b>")
    assert await watched.page.locator("form").is_visible()


async def test_without_a_token_there_is_nothing_to_press(
    browser: Browser, server: RunningServer
) -> None:
    watched = await WatchedPage.open(browser, f"{server.url}/verify-email")
    await expect(watched.page.get_by_role("status")).to_contain_text("no token")
    assert await watched.page.locator("form").is_hidden()


async def test_the_link_of_a_mail_in_the_mailbox_leads_to_the_page(
    browser: Browser, server: RunningServer, sqlite_url: str
) -> None:
    database = Database.from_settings(settings_for(sqlite_url))
    outbox = Outbox(keyring=Keyring.of([SECRET]), clock=SystemClock())
    link = f"{server.url}/verify-email#token=t-1"
    await put(database, outbox, mail_to(values={"link": link, "valid_for": "a day"}))
    await database.close()
    await server.logged(rb"mail_sent")
    watched = await WatchedPage.open(browser, f"{server.url}/dev/mailbox")
    await watched.page.get_by_role("link", name=link).click()
    await expect(watched.page.get_by_role("heading")).to_have_text("Confirm your e-mail address")
    await expect(watched.page.get_by_role("button")).to_be_visible()
    assert (watched.errors, await watched.violations()) == ([], [])
