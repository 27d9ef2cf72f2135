"""A commit that fails after the handler has returned is heard: nobody gets a 200 for nothing.

What makes it fail is a constraint that is only checked at the commit, or the loss of the
connection right before it. The session dependency is the app's own.
"""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from auth_service.web.dependencies import RequestTransaction
from tests.conftest import PASSWORD
from tests.flows.stored_rows import execute, stored_sessions, stored_users

RIGHT = {"email": "ada@example.com", "password": PASSWORD}
DEFERRED = "REFERENCES missing (id) DEFERRABLE INITIALLY DEFERRED"


@pytest.fixture
def table(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def failing_commits(app: FastAPI, database_url: str, table: str) -> AsyncIterator[None]:
    """Every transaction that inserts into the table fails, and only when it commits."""
    postgresql = database_url.startswith("postgresql")
    doom = "INSERT INTO doomed VALUES (1)"
    await execute(
        app,
        "CREATE TABLE missing (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE doomed (id INTEGER {DEFERRED})",
    )
    if postgresql:
        await execute(
            app,
            "CREATE FUNCTION doom() RETURNS trigger LANGUAGE plpgsql AS "
            f"'BEGIN {doom}; RETURN NULL; END'",
            f"CREATE TRIGGER doom AFTER INSERT ON {table} EXECUTE FUNCTION doom()",
        )
    else:
        await execute(
            app,
            f"CREATE TRIGGER doom AFTER INSERT ON {table} BEGIN {doom}; END",
        )
    yield
    await execute(app, f"DROP TRIGGER doom {f'ON {table}' if postgresql else ''}")
    await execute(app, "DROP TABLE doomed", "DROP TABLE missing")
    if postgresql:
        await execute(app, "DROP FUNCTION doom()")


@pytest.mark.parametrize("table", ["users"], indirect=True)
@pytest.mark.usefixtures("failing_commits")
async def test_a_registration_whose_commit_fails_is_not_answered_with_201(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    answer = await client.post("/auth/register", json=RIGHT)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "doomed" not in answer.text
    assert await stored_users(app) == []


@pytest.mark.parametrize("table", ["sessions"], indirect=True)
@pytest.mark.parametrize("delivery", ["body", "cookie"])
@pytest.mark.usefixtures("failing_commits")
async def test_a_login_whose_commit_fails_hands_out_no_tokens(
    app: FastAPI, client: httpx.AsyncClient, delivery: str
) -> None:
    await client.post("/auth/register", json=RIGHT)
    answer = await client.post("/auth/login", json=RIGHT | {"delivery": delivery})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "set-cookie" not in answer.headers
    assert await stored_sessions(app) == []
    (user,) = await stored_users(app)
    assert user.last_login_at is None


@pytest.mark.parametrize("table", ["sessions"], indirect=True)
@pytest.mark.usefixtures("failing_commits")
async def test_a_token_request_whose_commit_fails_is_a_server_error(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await client.post("/auth/register", json=RIGHT)
    form = {"grant_type": "password", "username": RIGHT["email"], "password": PASSWORD}
    answer = await client.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert await stored_sessions(app) == []


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_lost_before_the_commit_is_503(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    @app.post("/write-and-lose")
    async def write_and_lose(db: RequestTransaction) -> dict[str, str]:
        own = await db.scalar(text("SELECT pg_backend_pid()"))
        await db.execute(text("UPDATE users SET email = 'lost@example.com'"))
        await execute(app, f"SELECT pg_terminate_backend({own}, 5000)")
        return {}

    await client.post("/auth/register", json=RIGHT)
    answer = await client.post("/write-and-lose")
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert [user.email for user in await stored_users(app)] == ["ada@example.com"]
