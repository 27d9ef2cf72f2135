"""`GET /`: where a visitor can go from here."""

import re

import httpx
import pytest

from tests.conftest import AppFactory, client_of


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Either database would do."""
    return sqlite_url


async def test_everything_it_links_to_is_there(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall(r'href="([^"]+)"', page.text)
    assert {"docs", ".well-known/jwks.json", "healthz"} <= set(links)
    assert {(await client.get(f"/{link}")).status_code for link in links} == {200}


async def test_it_has_the_name_of_the_brand_escaped(new_app: AppFactory) -> None:
    async with new_app(brand_name="Ada & <Sons>") as app, client_of(app) as http:
        assert "<h1>Ada &amp; &lt;Sons&gt;</h1>" in (await http.get("/")).text


@pytest.mark.parametrize("docs", ["off", "admin"])
async def test_it_hides_what_is_not_for_everybody(new_app: AppFactory, docs: str) -> None:
    async with new_app(docs=docs) as app, client_of(app) as http:
        assert "docs" not in (await http.get("/")).text


async def test_development_has_its_mailbox_there(new_app: AppFactory) -> None:
    async with new_app(environment="development") as app, client_of(app) as http:
        assert 'href="dev/mailbox"' in (await http.get("/")).text
