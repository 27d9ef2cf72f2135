"""How often a client may try to log in, and who a client is."""

import httpx
import pytest

from tests.conftest import PASSWORD, AppFactory, client_of

RIGHT = {"email": "ada@example.com", "password": PASSWORD}
WRONG = RIGHT | {"password": "wrong"}
PROXY = "198.51.100.7"


async def statuses(client: httpx.AsyncClient, times: int, **headers: str) -> list[int]:
    answers = [
        await client.post(
            "/auth/login",
            json=WRONG,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        for _ in range(times)
    ]
    return [answer.status_code for answer in answers]


async def test_the_sixth_try_in_a_minute_is_refused_by_default(new_app: AppFactory) -> None:
    async with new_app(rate_limit_login="5/minute") as app, client_of(app) as client:
        assert await statuses(client, 6) == [401] * 5 + [429]


async def test_a_refusal_says_when_to_try_again_and_what_is_allowed(new_app: AppFactory) -> None:
    async with new_app(rate_limit_login="5/minute") as app, client_of(app) as client:
        await statuses(client, 5)
        answer = await client.post("/auth/login", json=WRONG)
        assert answer.json()["code"] == "rate_limited"
        assert answer.headers["content-type"] == "application/problem+json"
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert answer.headers["ratelimit-policy"] == '"login";q=5;w=60'
        assert answer.headers["ratelimit"].startswith('"login";r=0;t=')


async def test_every_answer_says_what_is_left(new_app: AppFactory) -> None:
    async with new_app(rate_limit_login="5/minute") as app, client_of(app) as client:
        answers = [await client.post("/auth/login", json=WRONG) for _ in range(3)]
        left = [answer.headers["ratelimit"].split(";")[1] for answer in answers]
        assert left == ["r=4", "r=3", "r=2"]


async def test_a_right_password_does_not_pass_the_limit(new_app: AppFactory) -> None:
    async with new_app(rate_limit_login="1/minute") as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        assert await statuses(client, 1) == [401]
        assert (await client.post("/auth/login", json=RIGHT)).status_code == 429


async def test_a_success_does_not_give_the_client_new_tries(new_app: AppFactory) -> None:
    async with new_app(rate_limit_login="2/minute") as app, client_of(app) as client:
        await client.post("/auth/register", json=RIGHT)
        assert await statuses(client, 1) == [401]
        assert (await client.post("/auth/login", json=RIGHT)).status_code == 200
        assert await statuses(client, 1) == [429]


async def test_clients_are_counted_apart(new_app: AppFactory) -> None:
    async with new_app(rate_limit_login="1/minute") as app:
        async with client_of(app) as client:
            assert await statuses(client, 2) == [401, 429]
        async with client_of(app, peer=("203.0.113.9", 40000)) as client:
            assert await statuses(client, 2) == [401, 429]


async def test_the_addresses_of_one_ipv6_network_are_one_client(new_app: AppFactory) -> None:
    async with new_app(rate_limit_login="1/minute") as app:
        async with client_of(app, peer=("2001:db8::1", 40000)) as client:
            assert await statuses(client, 1) == [401]
        async with client_of(app, peer=("2001:db8::2", 40000)) as client:
            assert await statuses(client, 1) == [429]


@pytest.mark.parametrize("header", ["X_Forwarded_For", "X_Real_IP", "Forwarded"])
async def test_nobody_gets_new_tries_by_a_header_of_their_own(
    new_app: AppFactory, header: str
) -> None:
    async with new_app(rate_limit_login="1/minute") as app, client_of(app) as client:
        assert await statuses(client, 1, **{header: "203.0.113.1"}) == [401]
        assert await statuses(client, 1, **{header: "203.0.113.2"}) == [429]


async def test_behind_a_trusted_proxy_the_client_is_who_the_proxy_saw(new_app: AppFactory) -> None:
    async with (
        new_app(rate_limit_login="1/minute", trusted_proxies=[PROXY]) as app,
        client_of(app) as client,
    ):
        assert await statuses(client, 2, X_Forwarded_For="203.0.113.1") == [401, 429]
        assert await statuses(client, 2, X_Forwarded_For="203.0.113.2") == [401, 429]


async def test_behind_a_trusted_proxy_made_up_hops_change_nothing(new_app: AppFactory) -> None:
    async with (
        new_app(rate_limit_login="1/minute", trusted_proxies=[PROXY]) as app,
        client_of(app) as client,
    ):
        assert await statuses(client, 1, X_Forwarded_For="192.0.2.1, 203.0.113.1") == [401]
        assert await statuses(client, 1, X_Forwarded_For="192.0.2.2, 203.0.113.1") == [429]


async def test_the_token_endpoint_counts_together_with_the_login(new_app: AppFactory) -> None:
    form = {"grant_type": "password", "username": RIGHT["email"], "password": "wrong"}
    async with new_app(rate_limit_login="2/minute") as app, client_of(app) as client:
        assert (await client.post("/oauth/token", data=form)).status_code == 400
        assert await statuses(client, 2) == [401, 429]
