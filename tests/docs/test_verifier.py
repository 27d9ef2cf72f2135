"""The blocks of the documentation that use our own verifier, run against a running server."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from auth_service.clients.service import ServiceClients
from auth_service.core.clock import SystemClock
from auth_service.db.session import Database
from auth_service.verifier import InvalidTokenError
from tests.conftest import bearer, settings_for
from tests.docs.code_blocks import block_named, with_constants
from tests.running_server import RunningServer


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite, as `make run` has it."""
    return sqlite_url


@dataclass
class Issuer:
    """A running server, somebody who is logged in there, and a service client's credentials."""

    server: RunningServer
    http: httpx.AsyncClient
    tokens: dict[str, Any]
    user_id: str
    client_id: str
    client_secret: str

    def run(self, block: str) -> dict[str, Any]:
        """The names that a block of the page defines, its constants set to what is here."""
        constants = {"ISSUER": self.server.url}
        if "CLIENT_ID" in block_named(block):
            constants |= {"CLIENT_ID": self.client_id, "CLIENT_SECRET": self.client_secret}
        names: dict[str, Any] = {}
        exec(with_constants(block_named(block), **constants), names)  # noqa: S102 - our own page
        return names


@pytest.fixture
async def issuer(
    new_server: Any, database_url: str, credentials: dict[str, str]
) -> AsyncIterator[Issuer]:
    database = Database.from_settings(settings_for(database_url))
    clients = ServiceClients(database=database, clock=SystemClock())
    async with database.transaction() as db:
        made = await clients.create(db, "orders", ["revocations", "introspection"])
    async with new_server(is_issuer=True) as server, server.client() as http:
        registered = await http.post("/auth/register", json=credentials)
        tokens = (await http.post("/auth/login", json=credentials)).json()
        user_id = registered.json()["id"]
        yield Issuer(server, http, tokens, user_id, str(made.client.id), made.secret)
    await database.close()


async def test_the_verifier_tells_whose_a_token_is(issuer: Issuer) -> None:
    whose = issuer.run("with_verifier.py")["whose"]
    assert await whose(issuer.tokens["access_token"]) == issuer.user_id
    with pytest.raises(InvalidTokenError):
        await whose(issuer.tokens["access_token"] + "x")


async def test_asking_notices_a_logout_that_the_verifier_alone_does_not(issuer: Issuer) -> None:
    names = issuer.run("with_introspection.py")
    token = issuer.tokens["access_token"]
    assert (await names["before_a_payment"](token)).subject == issuer.user_id
    await issuer.http.post("/auth/logout", headers=bearer(issuer.tokens))
    await names["live"].verify(token)
    with pytest.raises(InvalidTokenError):
        await names["before_a_payment"](token)


async def test_following_the_list_notices_a_logout_without_asking_for_each_token(
    issuer: Issuer,
) -> None:
    whose = issuer.run("with_revocations.py")["whose"]
    token = issuer.tokens["access_token"]
    await issuer.http.post("/auth/logout", headers=bearer(issuer.tokens))
    with pytest.raises(InvalidTokenError, match="revoked"):
        await whose(token)


async def test_a_fastapi_service_lets_the_right_ones_in(issuer: Issuer) -> None:
    transport = httpx.ASGITransport(issuer.run("with_fastapi.py")["app"])
    async with httpx.AsyncClient(transport=transport, base_url="http://reports") as reports:
        headers = bearer(issuer.tokens)
        assert (await reports.get("/reports", headers=headers)).json() == {"for": issuer.user_id}
        assert (await reports.get("/reports")).status_code == 401
        assert (await reports.post("/reports", headers=headers)).status_code == 403
