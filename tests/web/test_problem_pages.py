"""``/problems``: what a person finds at the address that a problem's ``type`` names."""

from collections.abc import Iterator

import httpx
import pytest

from auth_service.core.errors import DomainError, Kind
from auth_service.web import problem_pages
from auth_service.web.problem_pages import catalogue


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Either database would do."""
    return sqlite_url


@pytest.fixture
def hostile() -> Iterator[type[DomainError]]:
    """An error of ours whose texts would be markup if they were not escaped."""

    class Hostile(DomainError):
        """A <script>first</script> paragraph.

        A second & last one.
        """

        __module__ = problem_pages.__name__
        kind = Kind.CONFLICT
        code = "hostile"
        title = "<b>Hostile</b>"

    yield Hostile
    Hostile.__module__ = "elsewhere"


async def test_the_list_links_to_each_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/problems")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for code in catalogue():
        assert f'href="problems/{code}"' in answer.text


async def test_a_page_says_what_the_problem_means_and_its_status(client: httpx.AsyncClient) -> None:
    page = (await client.get("/problems/email_taken")).text
    assert "An account with this address exists" in page
    assert "<code>email_taken</code>, status 409 Conflict" in page
    assert "If it is yours, log in." in page


async def test_what_stands_between_backticks_is_shown_as_code(client: httpx.AsyncClient) -> None:
    page = (await client.get("/problems/rate_limited")).text
    assert "<code>Retry-After</code>" in page
    assert "`" not in page


@pytest.mark.parametrize(
    "path", ["unheard-of", "<script>", "%3Cscript%3E", "hostile", "EMAIL_TAKEN", "__class__", "a b"]
)
async def test_an_unknown_problem_is_a_problem_that_repeats_nothing(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(f"/problems/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert path not in answer.text


async def test_every_text_is_escaped(client: httpx.AsyncClient, hostile: type[DomainError]) -> None:
    page = (await client.get("/problems/hostile")).text
    assert "&lt;script&gt;first&lt;/script&gt;" in page
    assert "A second &amp; last one." in page
    assert page.count("&lt;b&gt;Hostile&lt;/b&gt;") == 2
    assert "<script" not in page
    assert "<b>" not in (await client.get("/problems")).text


async def test_pages_may_be_kept_for_a_while_and_load_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/problems/busy")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_errors_made_elsewhere_are_not_listed() -> None:
    class Foreign(DomainError):
        """Not ours."""

        kind = Kind.CONFLICT
        code = "foreign"
        title = "Foreign"

    assert "foreign" not in catalogue()
    assert Foreign in DomainError.all_kinds()


def test_codes_are_in_alphabetical_order() -> None:
    assert list(catalogue()) == sorted(catalogue())
