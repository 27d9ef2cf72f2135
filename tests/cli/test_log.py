"""What a running service writes down, and what it never does."""

import json
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from tests.conftest import bearer
from tests.running_server import serving

SECRET = "marker-of-the-secret-key-0123456789-abcdef"
PASSWORD = "marker-of-the-right-password"
WRONG = "marker-of-the-wrong-password"
EMAIL = "marker-address@example.com"


def with_password(url: str, password: str) -> str:
    """The URL with this password, where it needs none (PostgreSQL under `trust`)."""
    parts = urlsplit(url)
    if parts.password is not None:
        return url
    netloc = f"{parts.username}:{password}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=netloc))


async def every_kind_of_request(http: httpx.AsyncClient) -> list[str]:
    """Use each secret in each place it may stand; the answer is what must not be logged."""
    right, wrong = {"email": EMAIL, "password": PASSWORD}, {"email": EMAIL, "password": WRONG}
    await http.post("/auth/register", json=right)
    await http.post("/auth/register", json=right)
    await http.post("/auth/login", json=wrong)
    await http.post("/auth/login", json=right | {"surplus": WRONG})
    await http.post("/auth/login", content=json.dumps(right)[:-1])
    first = (await http.post("/auth/login", json=right)).json()
    form = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}
    second = (await http.post("/oauth/token", data=form)).json()
    await http.get("/users/me", headers=bearer(first))
    await http.get(f"/users/me?access_token={first['access_token']}")
    await http.get("/users/me", headers={"Authorization": f"Bearer {first['access_token']}x"})
    third = (
        await http.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    ).json()
    await http.post("/auth/refresh", json={"refresh_token": third["refresh_token"] + "x"})
    await http.post("/auth/logout", json={"refresh_token": third["refresh_token"]})
    issued = [tokens[kind] for tokens in (first, second, third) for kind in KINDS]
    return [PASSWORD, WRONG, EMAIL, *issued]


KINDS = ("access_token", "refresh_token")


@pytest.mark.postgresql
async def test_no_secret_is_ever_logged(postgresql_url: str, tmp_path: Path) -> None:
    database_password = "marker-of-the-database"
    settings = {
        "AUTH_ENVIRONMENT": "production",
        "AUTH_ISSUER": "https://auth.example.com",
        "AUTH_SECRET_KEYS": SECRET,
        "AUTH_DATABASE_URL": with_password(postgresql_url, database_password),
        "AUTH_MAIL_URL": "smtp://mailer:marker-of-the-mailer@127.0.0.1:1",
        "AUTH_METRICS_TOKEN": "marker-of-the-metrics",
        "AUTH_PASSWORD_GRANT": "true",
        "AUTH_BCRYPT_ROUNDS": "4",
        "AUTH_LOG_FORMAT": "json",
        "AUTH_LOG_LEVEL": "debug",
    }
    async with serving(settings, folder=tmp_path) as server:
        async with server.client() as http:
            secrets = await every_kind_of_request(http)
        assert await server.stop() == 0
    log = server.log.decode()
    requests = [line for line in map(json.loads, log.splitlines()) if line["event"] == "request"]
    assert {200, 201, 204, 401, 409, 422} <= {line["status"] for line in requests}
    assert not [secret for secret in secrets if secret in log]
    assert "marker" not in log
