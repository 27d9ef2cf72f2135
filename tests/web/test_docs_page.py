"""The pages /docs and /redoc: what they name is there, local, and under a strict policy."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import FastAPI, Response
from httpx import ASGITransport, AsyncClient

from auth_service.web import docs_page
from auth_service.web.docs_page import docs_router
from auth_service.web.errors import NotFound

PAGES = ["/docs", "/redoc"]
ASSETS = {
    "docs.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
    "redoc-init.js": "text/javascript; charset=utf-8",
    "redoc.standalone.js": "text/javascript; charset=utf-8",
    "swagger-init.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
STATIC = Path(docs_page.__file__).with_name("static")


def application() -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)
    app.include_router(docs_router("Auth <&> service"))
    app.add_exception_handler(NotFound, lambda _, __: Response(status_code=404))
    return app


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(application())
    async with AsyncClient(transport=transport, base_url="http://service.test") as client:
        yield client


def addresses_in(html: str) -> list[str]:
    return re.findall(r'(?:href|src)="([^"]*)"', html)


def directives_of(policy: str) -> dict[str, str]:
    pairs = (directive.strip().partition(" ") for directive in policy.split(";"))
    return {name: sources for name, _, sources in pairs}


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_html_that_is_asked_for_anew_each_time(
    client: AsyncClient, page: str
) -> None:
    answer = await client.get(page)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_bears_the_title_escaped(client: AsyncClient, page: str) -> None:
    answer = await client.get(page)
    assert "<title>Auth &lt;&amp;&gt; service</title>" in answer.text


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_under_the_strict_policy(client: AsyncClient, page: str) -> None:
    answer = await client.get(page)
    directives = directives_of(answer.headers["content-security-policy"])
    del directives["style-src"]
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "font-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }


async def test_swagger_ui_gets_its_styles_from_files_alone(client: AsyncClient) -> None:
    answer = await client.get("/docs")
    directives = directives_of(answer.headers["content-security-policy"])
    assert directives["style-src"] == "'self'"


async def test_redoc_may_write_styles_under_the_nonce_on_its_script(client: AsyncClient) -> None:
    answer = await client.get("/redoc")
    [nonce] = re.findall(r'redoc\.standalone\.js" nonce="([\w-]{22})"', answer.text)
    directives = directives_of(answer.headers["content-security-policy"])
    assert directives["style-src"] == f"'self' 'nonce-{nonce}'"


async def test_no_two_redoc_pages_share_a_nonce(client: AsyncClient) -> None:
    policies = {(await client.get("/redoc")).headers["content-security-policy"] for _ in range(2)}
    assert len(policies) == 2


@pytest.mark.parametrize("page", PAGES)
async def test_no_script_or_style_stands_in_a_page_itself(client: AsyncClient, page: str) -> None:
    html = (await client.get(page)).text
    assert "<style" not in html
    assert not re.search(r"\s(style|on\w+)=", html)
    assert all(
        not body.strip() for body in re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL)
    )


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_names_only_addresses_relative_to_itself(
    client: AsyncClient, page: str
) -> None:
    addresses = addresses_in((await client.get(page)).text)
    assert addresses
    for address in addresses:
        parts = urlsplit(address)
        assert not parts.scheme
        assert not parts.netloc
        assert not parts.path.startswith("/")


@pytest.mark.parametrize("page", PAGES)
async def test_everything_a_page_names_is_served(client: AsyncClient, page: str) -> None:
    for address in addresses_in((await client.get(page)).text):
        assert (await client.get(urljoin(page, address))).status_code == 200


async def test_nothing_is_served_that_no_page_names(client: AsyncClient) -> None:
    named = {
        address.rpartition("/")[2]
        for page in PAGES
        for address in addresses_in((await client.get(page)).text)
    }
    assert named == set(ASSETS)


@pytest.mark.parametrize(("name", "media_type"), ASSETS.items())
async def test_an_asset_has_its_media_type_and_may_be_kept(
    client: AsyncClient, name: str, media_type: str
) -> None:
    answer = await client.get(f"/docs/assets/{name}")
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "public, max-age=3600"


async def test_an_asset_is_the_file_in_the_package(client: AsyncClient) -> None:
    answer = await client.get("/docs/assets/swagger-ui-bundle.js")
    assert answer.content == (STATIC / "swagger-ui/swagger-ui-bundle.js").read_bytes()


async def test_different_assets_have_different_etags(client: AsyncClient) -> None:
    etags = {(await client.get(f"/docs/assets/{name}")).headers["etag"] for name in ASSETS}
    assert len(etags) == len(ASSETS)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_an_asset_the_caller_has_is_not_sent_again(client: AsyncClient, form: str) -> None:
    etag = (await client.get("/docs/assets/docs.css")).headers["etag"]
    condition = {"If-None-Match": form.format(etag)}
    answer = await client.get("/docs/assets/docs.css", headers=condition)
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["etag"] == etag
    assert answer.headers["cache-control"] == "public, max-age=3600"


@pytest.mark.parametrize("condition", ['"other"', "", "docs.css", 'W/"other", "third"'])
async def test_an_asset_the_caller_has_another_version_of_is_sent(
    client: AsyncClient, condition: str
) -> None:
    answer = await client.get("/docs/assets/docs.css", headers={"If-None-Match": condition})
    assert answer.status_code == 200
    assert answer.content


@pytest.mark.parametrize(
    "name",
    [
        "missing.js",
        "",
        "LICENSE",
        "DOCS.CSS",
        "docs.css%00",
        "swagger-ui/swagger-ui.css",
        "swagger-ui%2Fswagger-ui.css",
        "..%2Fdocs_page.py",
        "%2e%2e%2f%2e%2e%2fsettings.py",
        "..%5Cdocs_page.py",
        "%2Fetc%2Fpasswd",
        "%ff",
    ],
)
async def test_any_other_name_is_not_found(client: AsyncClient, name: str) -> None:
    assert (await client.get(f"/docs/assets/{name}")).status_code == 404


async def test_the_pages_are_absent_from_the_description(client: AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json()["paths"] == {}


def test_redoc_does_not_know_the_host_of_its_makers_logo() -> None:
    assert b"cdn.redoc.ly" not in (STATIC / "redoc/redoc.standalone.js").read_bytes()


def test_redoc_takes_the_nonce_of_its_script() -> None:
    bundle = (STATIC / "redoc/redoc.standalone.js").read_bytes()
    assert bundle.count(b"r.nc=document.currentScript.nonce") == 1


def test_swagger_ui_neither_keeps_a_token_nor_asks_the_validator() -> None:
    script = (STATIC / "swagger-init.js").read_text()
    assert "persistAuthorization: false" in script
    assert "validatorUrl: null" in script


@pytest.mark.parametrize(
    "licence",
    [
        "redoc/LICENSE",
        "redoc/redoc.standalone.js.LICENSE.txt",
        "swagger-ui/LICENSE",
        "swagger-ui/NOTICE",
        "swagger-ui/swagger-ui-bundle.js.LICENSE.txt",
    ],
)
def test_the_licence_of_what_is_carried_is_carried_too(licence: str) -> None:
    assert (STATIC / licence).stat().st_size > 0
