"""The pages /docs and /redoc, as a person uses them."""

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import EMAIL
from tests.browser.watched_page import WatchedPage
from tests.conftest import PASSWORD
from tests.running_server import RunningServer

pytestmark = pytest.mark.browser


async def open_docs(browser: Browser, server: RunningServer) -> WatchedPage:
    watched = await WatchedPage.open(browser, f"{server.url}/docs")
    await expect(watched.page.locator("#swagger-ui .info .title")).to_be_visible()
    return watched


def dialog_of(page: Page) -> Locator:
    return page.locator(".dialog-ux .modal-ux")


async def authorize(page: Page, password: str) -> None:
    """Fill the Authorize dialog and send it."""
    await page.locator(".auth-wrapper button.authorize").click()
    dialog = dialog_of(page)
    await dialog.locator("#oauth_username").fill(EMAIL)
    await dialog.locator("#oauth_password").fill(password)
    await dialog.get_by_role("button", name="Apply given OAuth2 credentials").click()


async def log_in(page: Page) -> None:
    await authorize(page, PASSWORD)
    dialog = dialog_of(page)
    await expect(dialog.get_by_role("button", name="Remove authorization")).to_be_visible()
    await dialog.locator("button.btn-done").first.click()
    await expect(dialog).to_have_count(0)


async def execute(page: Page, method: str, path: str) -> tuple[str, str]:
    """Run an operation: the live answer's status and body."""
    summary = page.locator(f'.opblock-summary-path[data-path="{path}"]')
    block = page.locator(f".opblock-{method}").filter(has=summary)
    await block.locator("button.opblock-summary-control").click()
    await block.locator("button.execute").click()
    live = block.locator(".live-responses-table .response").first
    await expect(live).to_be_visible()
    status = await live.locator(".response-col_status").inner_text()
    body = await live.locator(".response-col_description .highlight-code").inner_text()
    return status.split()[0], body


async def test_who_logs_in_by_the_dialog_sees_their_account(
    browser: Browser, server: RunningServer
) -> None:
    page = (await open_docs(browser, server)).page
    await log_in(page)
    status, body = await execute(page, "get", "/users/me")
    assert status == "200"
    assert f'"email": "{EMAIL}"' in body


async def test_who_does_not_log_in_is_refused(browser: Browser, server: RunningServer) -> None:
    page = (await open_docs(browser, server)).page
    status, body = await execute(page, "get", "/users/me")
    assert status == "401"
    assert "invalid_access_token" in body


async def test_a_wrong_password_is_shown_as_an_error(
    browser: Browser, server: RunningServer
) -> None:
    page = (await open_docs(browser, server)).page
    await authorize(page, "wrong")
    await expect(page.locator(".dialog-ux .auth-container .errors")).to_be_visible()
    remove = dialog_of(page).get_by_role("button", name="Remove authorization")
    await expect(remove).to_have_count(0)


async def test_a_whole_visit_stays_on_this_host_and_within_the_policy(
    browser: Browser, server: RunningServer
) -> None:
    watched = await open_docs(browser, server)
    await log_in(watched.page)
    await execute(watched.page, "get", "/users/me")
    assert f"{server.url}/oauth/token" in watched.requests
    assert watched.foreign(server.url) == []
    assert await watched.violations() == []
    assert watched.errors == []


async def test_tokens_are_not_kept_in_the_browser(browser: Browser, server: RunningServer) -> None:
    watched = await open_docs(browser, server)
    await log_in(watched.page)
    stored = await watched.stored()
    assert "eyJ" not in stored  # how every JWT begins
    assert "rt_" not in stored


async def test_a_violation_of_the_policy_would_be_seen(
    browser: Browser, server: RunningServer
) -> None:
    watched = await open_docs(browser, server)
    await watched.page.evaluate("fetch('http://127.0.0.1:9/').catch(() => null)")
    assert (await watched.violations())[0].startswith("connect-src http://127.0.0.1:9")


async def test_redoc_shows_the_api_without_any_other_host(
    browser: Browser, server: RunningServer
) -> None:
    watched = await WatchedPage.open(browser, f"{server.url}/redoc")
    await expect(watched.page.locator(".redoc-wrap .api-info h1")).to_be_visible()
    await watched.page.wait_for_load_state("networkidle")
    await expect(watched.page.locator("body")).to_contain_text("/users/me")
    assert watched.foreign(server.url) == []
    assert await watched.violations() == []
    assert watched.errors == []
