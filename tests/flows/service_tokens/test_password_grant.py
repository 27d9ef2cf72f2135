"""``grant_type=password``, which RFC 9700 section 2.4 advises against, can be switched off."""

from typing import Any

import pytest

from tests.conftest import PASSWORD, SECRET, AppFactory, client_of, settings_for

FORM = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}


async def test_switched_off_it_is_unsupported_and_nowhere_offered(new_app: AppFactory) -> None:
    async with new_app(password_grant=False) as app, client_of(app) as client:
        await client.post("/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
        answer = await client.post("/oauth/token", data=FORM)
        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
        path = "/.well-known/oauth-authorization-server"
        assert "password" not in (await client.get(path)).json()["grant_types_supported"]
        document = (await client.get("/openapi.json")).json()
        scheme = document["components"]["securitySchemes"]["OAuth2PasswordBearer"]
        assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


async def test_service_clients_are_described_as_a_security_scheme(new_app: AppFactory) -> None:
    async with new_app() as app, client_of(app) as client:
        document = (await client.get("/openapi.json")).json()
    schemes = document["components"]["securitySchemes"]
    assert (schemes["ClientBasic"]["type"], schemes["ClientBasic"]["scheme"]) == ("http", "basic")
    assert document["paths"]["/oauth/introspect"]["post"]["security"] == [{"ClientBasic": []}]


@pytest.mark.parametrize(
    ("settings", "is_on"),
    [
        ({}, True),
        ({"environment": "development"}, True),
        ({"environment": "production"}, False),
        ({"environment": "production", "password_grant": True}, True),
    ],
)
def test_it_is_off_in_production_unless_it_is_asked_for(
    settings: dict[str, Any], *, is_on: bool
) -> None:
    production = {
        "issuer": "https://auth.example.com",
        "secret_keys": [SECRET],
        "mail_url": "smtps://mail.example.com",
    }
    found = settings_for("postgresql://db.example.com/auth", **(production | settings))
    assert found.password_grant is is_on
