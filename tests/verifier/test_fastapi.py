"""The dependency in another service: who passes, and what the others are told."""

import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI

from auth_service.verifier import AccessClaims, ClientCredentials, TokenVerifier
from auth_service.verifier.fastapi import RequireToken
from tests.verifier.conftest import NewVerifier
from tests.verifier.loopback_issuer import KEY, LoopbackIssuer
from tests.verifier.token_maker import HEADER, token

INVALID = 'Bearer error="invalid_token"'


def service(verifier: TokenVerifier, live: TokenVerifier) -> FastAPI:
    app = FastAPI()
    writes = RequireToken(verifier, scopes=["read", "write"])

    @app.get("/me")
    async def me(caller: Annotated[AccessClaims, Depends(RequireToken(verifier))]) -> str:
        return caller.subject

    @app.get("/write", dependencies=[Depends(writes)])
    async def write() -> None: ...

    @app.get("/admin", dependencies=[Depends(RequireToken(verifier, roles=["admin", "auditor"]))])
    async def admin() -> None: ...

    @app.get("/live", dependencies=[Depends(RequireToken(live, live=True))])
    async def now() -> None: ...

    @app.get("/open")
    async def anybody() -> None: ...

    return app


@pytest.fixture
async def http(new_verifier: NewVerifier) -> AsyncIterator[httpx.AsyncClient]:
    live = new_verifier(introspection=ClientCredentials("client", "secret"))
    transport = httpx.ASGITransport(service(new_verifier(), live))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


def bearing(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


async def test_the_caller_is_known_by_the_token(http: httpx.AsyncClient) -> None:
    answer = await http.get("/me", headers=bearing(KEY.token()))
    assert (answer.status_code, answer.json()) == (200, "somebody")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
async def test_the_scheme_s_case_does_not_matter(http: httpx.AsyncClient, scheme: str) -> None:
    answer = await http.get("/me", headers={"Authorization": f"{scheme} {KEY.token()}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token x"])
async def test_without_a_token_one_is_asked_for_and_no_error_named(
    http: httpx.AsyncClient, header: str | None
) -> None:
    answer = await http.get("/me", headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense",
        KEY.token()[:-4] + "AAAA",
        KEY.token(exp=1),
        KEY.token(aud="another"),
        token(HEADER | {"kid": "unknown"}),
        token(HEADER | {"alg": "none"}),
        "\xff",
        "a b c",
        "x" * 9000,
    ],
    ids=["form", "signature", "exp", "aud", "kid", "alg", "latin", "spaces", "size"],
)
async def test_every_bad_token_has_the_same_answer(http: httpx.AsyncClient, bad: str) -> None:
    answer = await http.get("/me", headers={b"Authorization": f"Bearer {bad}".encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == INVALID
    assert answer.json() == {"detail": "The access token is not valid"}


async def test_which_check_failed_is_logged_and_nothing_of_the_token(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "auth_service.verifier.fastapi")
    await http.get("/me", headers=bearing(KEY.token(aud="another")))
    assert caplog.messages[-1] == "access token refused: aud"


@pytest.mark.parametrize(
    ("path", "claims", "status"),
    [
        ("/write", {"scope": "read write"}, 200),
        ("/write", {"scope": "more write read"}, 200),
        ("/write", {"scope": "read"}, 403),
        ("/write", {"scope": "readwrite"}, 403),
        ("/write", {"roles": ["read", "write"]}, 403),
        ("/write", {}, 403),
        ("/admin", {"roles": ["user", "auditor", "admin"]}, 200),
        ("/admin", {"roles": ["admin"]}, 403),
        ("/admin", {"scope": "admin auditor"}, 403),
        ("/admin", {}, 403),
    ],
)
async def test_the_caller_needs_every_scope_and_every_role(
    http: httpx.AsyncClient, path: str, claims: dict[str, Any], status: int
) -> None:
    answer = await http.get(path, headers=bearing(KEY.token(**claims)))
    assert answer.status_code == status


async def test_a_missing_scope_is_told_with_what_is_needed(http: httpx.AsyncClient) -> None:
    answer = await http.get("/write", headers=bearing(KEY.token()))
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", scope="read write"'
    )


async def test_a_missing_role_is_told_without_naming_it(http: httpx.AsyncClient) -> None:
    answer = await http.get("/admin", headers=bearing(KEY.token()))
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'
    assert "auditor" not in answer.text


async def test_a_bad_token_is_refused_before_its_scopes_are_looked_at(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("/write", headers=bearing(KEY.token(exp=1)))
    assert answer.status_code == 401


async def test_where_there_are_no_keys_nobody_is_called_unauthorized(
    http: httpx.AsyncClient, issuer: LoopbackIssuer
) -> None:
    issuer.status = 500
    answer = await http.get("/me", headers=bearing(KEY.token()))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "WWW-Authenticate" not in answer.headers
    assert "500" not in answer.text


async def test_a_route_that_asks_live_refuses_what_is_dead_now(
    http: httpx.AsyncClient, issuer: LoopbackIssuer
) -> None:
    await http.get("/live", headers=bearing(KEY.token()))
    issuer.body = b'{"active": true}'
    assert (await http.get("/live", headers=bearing(KEY.token()))).status_code == 200
    issuer.body = b'{"active": false}'
    answer = await http.get("/live", headers=bearing(KEY.token()))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, INVALID)


async def test_a_route_that_asks_live_lets_nobody_in_while_it_cannot_ask(
    http: httpx.AsyncClient, issuer: LoopbackIssuer
) -> None:
    await http.get("/live", headers=bearing(KEY.token()))
    issuer.status = 500
    answer = await http.get("/live", headers=bearing(KEY.token()))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_a_route_cannot_ask_live_without_credentials(verifier: TokenVerifier) -> None:
    with pytest.raises(ValueError, match="introspection"):
        RequireToken(verifier, live=True)


@pytest.mark.parametrize("option", ["scopes", "roles"])
def test_one_text_is_no_list(verifier: TokenVerifier, option: str) -> None:
    with pytest.raises(TypeError, match="list"):
        RequireToken(verifier, **{option: "admin"})  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", ["", "read write", 'a"b', "a\\b", "a\nb", "é"])
def test_a_scope_that_no_token_can_have_is_refused(verifier: TokenVerifier, scope: str) -> None:
    with pytest.raises(ValueError, match="scope"):
        RequireToken(verifier, scopes=[scope])


async def test_it_is_a_security_scheme_of_the_service_s_document(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    scheme = document["components"]["securitySchemes"]["AccessToken"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    protected = [path for path, item in document["paths"].items() if "security" in item["get"]]
    assert protected == ["/me", "/write", "/admin", "/live"]
