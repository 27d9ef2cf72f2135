"""`AUTH_DOCS`: who may read the description of the API."""

import httpx
import pytest

from tests.conftest import AppFactory, client_of
from tests.flows.people import Person
from tests.flows.stored_rows import change_users

ADDRESSES = ["/docs", "/redoc", "/openapi.json", "/docs/assets/docs.css"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Either database would do."""
    return sqlite_url


async def statuses(http: httpx.AsyncClient, headers: dict[str, str] | None = None) -> set[int]:
    return {(await http.get(path, headers=headers)).status_code for path in ADDRESSES}


async def test_everybody_may_by_default(client: httpx.AsyncClient) -> None:
    assert await statuses(client) == {200}


async def test_off_there_is_nothing(new_app: AppFactory) -> None:
    async with new_app(docs="off") as app, client_of(app) as http:
        assert await statuses(http) == {404}


async def test_for_administrators_it_asks_for_their_token(new_app: AppFactory) -> None:
    async with new_app(docs="admin") as app, client_of(app) as http:
        assert await statuses(http) == {401}
        ada = await (await Person(http).register()).log_in()
        assert await statuses(http, ada.headers) == {403}
        await change_users(app, roles=["user", "admin"])
        assert await statuses(http, ada.headers) == {200}
