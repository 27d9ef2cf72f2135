"""A client of the Flask service: it sends an address and a password, and looks at statuses."""

import httpx

from tests.conftest import AppFactory, client_of

CREDENTIALS = {"email": "ada@example.com", "password": "correct horse battery staple"}


async def test_registering_twice_is_201_then_409(client: httpx.AsyncClient) -> None:
    assert (await client.post("/auth/register", json=CREDENTIALS)).status_code == 201
    assert (await client.post("/auth/register", json=CREDENTIALS)).status_code == 409


async def test_a_login_is_200_with_an_access_token_or_401(client: httpx.AsyncClient) -> None:
    await client.post("/auth/register", json=CREDENTIALS)
    answer = await client.post("/auth/login", json=CREDENTIALS)
    assert answer.status_code == 200
    header = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await client.get("/users/me", headers=header)).status_code == 200
    wrong = await client.post("/auth/login", json=CREDENTIALS | {"password": "wrong"})
    assert wrong.status_code == 401


async def test_the_sixth_login_in_a_minute_is_429(new_app: AppFactory) -> None:
    async with new_app(rate_limit_login="5/minute") as app, client_of(app) as client:
        await client.post("/auth/register", json=CREDENTIALS)
        answers = [await client.post("/auth/login", json=CREDENTIALS) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
