"""``grant_type=client_credentials``: a service's token in its own name."""

import base64
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD
from tests.flows.service_tokens.conftest import Service, basic, new_service
from tests.flows.service_tokens.test_token_endpoint import refused

GRANT = {"grant_type": "client_credentials"}


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def test_the_answer_has_a_token_its_life_and_its_scope_and_nothing_else(
    service: Service,
) -> None:
    answer = await service.ask_for_token()
    assert answer.status_code == 200
    found = answer.json()
    assert set(found) == {"access_token", "token_type", "expires_in", "scope"}
    assert (found["token_type"], found["expires_in"]) == ("bearer", 900)
    assert found["scope"] == "orders:read orders:write introspection email"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"


async def test_the_token_is_the_service_s_own(service: Service) -> None:
    claims = claims_of(await service.token(scope="orders:read"))
    assert claims.pop("jti")
    assert claims.pop("exp") - claims.pop("iat") == 900
    assert claims == {
        "iss": "http://localhost:8000",
        "aud": "http://localhost:8000",
        "sub": service.id,
        "client_id": service.id,
        "roles": [],
        "scope": "orders:read",
    }


async def test_a_client_without_scopes_gets_a_token_without_scopes(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    answer = (await (await new_service(app, client)).ask_for_token()).json()
    assert "scope" not in answer
    assert "scope" not in claims_of(answer["access_token"])


async def test_the_credentials_may_stand_in_the_form(service: Service) -> None:
    form = GRANT | {"client_id": service.id, "client_secret": service.secret}
    assert (await service.http.post("/oauth/token", data=form)).status_code == 200


async def test_the_id_may_stand_in_the_form_as_well(service: Service) -> None:
    assert (await service.ask_for_token(client_id=service.id)).status_code == 200


async def test_basic_credentials_are_form_encoded_within(service: Service) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in service.secret.encode())
    answer = await service.http.post(
        "/oauth/token", data=GRANT, headers=basic(f"{service.id}:{encoded}")
    )
    assert answer.status_code == 200


async def test_more_than_the_client_may_have_is_an_invalid_scope(service: Service) -> None:
    assert refused(await service.ask_for_token(scope="orders:read admin"), 400, "invalid_scope")


async def test_no_client_is_an_invalid_client(client: httpx.AsyncClient) -> None:
    for form in (GRANT, GRANT | {"client_id": "auth-service"}):
        answer = await client.post("/oauth/token", data=form)
        assert refused(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"] == 'Basic realm="oauth"'


async def test_a_wrong_secret_is_an_invalid_client_wherever_it_stands(service: Service) -> None:
    by_header = await service.http.post(
        "/oauth/token", data=GRANT, headers=basic(f"{service.id}:wrong")
    )
    form = GRANT | {"client_id": service.id, "client_secret": "wrong"}
    by_form = await service.http.post("/oauth/token", data=form)
    without = await service.http.post("/oauth/token", data=GRANT | {"client_id": service.id})
    for answer in (by_header, by_form, without):
        assert refused(answer, 401, "invalid_client")


async def test_credentials_in_two_places_are_an_invalid_request(service: Service) -> None:
    answer = await service.ask_for_token(client_id=service.id, client_secret=service.secret)
    assert refused(answer, 400, "invalid_request")


async def test_another_id_in_the_form_than_in_the_header_is_an_invalid_client(
    service: Service, other_service: Service
) -> None:
    answer = await service.ask_for_token(client_id=other_service.id)
    assert refused(answer, 401, "invalid_client")


async def test_two_authorization_headers_are_refused(service: Service) -> None:
    header = (b"authorization", service.basic["Authorization"].encode())
    answer = await service.http.post("/oauth/token", data=GRANT, headers=[header, header])
    assert refused(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD},
        {"grant_type": "refresh_token", "refresh_token": "rt_x"},
    ],
)
async def test_a_service_may_not_log_people_in(service: Service, form: dict[str, str]) -> None:
    answer = await service.http.post("/oauth/token", data=form, headers=service.basic)
    assert refused(answer, 400, "unauthorized_client")


@pytest.mark.parametrize("path", ["/users/me", "/auth/validate"])
async def test_a_service_s_token_is_refused_where_people_s_are_asked_for(
    service: Service, path: str
) -> None:
    headers = {"Authorization": f"Bearer {await service.token()}"}
    answer = await service.http.get(path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_access_token")


async def test_a_service_s_token_logs_nobody_out(
    service: Service, tokens: dict[str, Any], client: httpx.AsyncClient
) -> None:
    headers = {"Authorization": f"Bearer {await service.token()}"}
    assert (await client.post("/auth/logout", headers=headers)).status_code == 204
    me = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.get("/users/me", headers=me)).status_code == 200
