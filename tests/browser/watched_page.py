"""A page that remembers what it asked for and complained about."""

from dataclasses import dataclass, field

from playwright.async_api import Browser, Page

# Installed before any script of the page, so that no violation goes unseen.
COUNT_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""


@dataclass
class WatchedPage:
    """A page with its requests, its errors and its violations of the Content-Security-Policy."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, browser: Browser, url: str) -> "WatchedPage":
        """Open an address in a new page, watched from its very start."""
        watched = cls(await browser.new_page(viewport={"width": 1280, "height": 1000}))
        await watched.page.add_init_script(COUNT_VIOLATIONS)
        watched.page.on("request", lambda request: watched.requests.append(request.url))
        watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
        await watched.page.goto(url)
        return watched

    def foreign(self, origin: str) -> list[str]:
        """The requests that went to any other origin."""
        own = (f"{origin}/", "data:", f"blob:{origin}/")
        return [url for url in self.requests if not url.startswith(own)]

    async def violations(self) -> list[str]:
        """What the page tried against its policy."""
        found: list[str] = await self.page.evaluate("window.violations")
        return found

    async def stored(self) -> str:
        """Everything the page keeps in the browser beyond its own life."""
        storage: str = await self.page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        )
        return storage
