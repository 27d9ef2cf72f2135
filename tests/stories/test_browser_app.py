"""A single-page app that keeps its session in the cookie."""

import httpx

from tests.conftest import AppFactory, bearer, client_of

FRONTEND = "https://app.example.com"
FROM_THE_PAGE = {"Origin": FRONTEND, "Sec-Fetch-Site": "same-site"}
FROM_ELSEWHERE = {"Origin": "https://evil.example.net", "Sec-Fetch-Site": "cross-site"}


async def test_a_visitor_registers_comes_back_and_leaves(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with (
        new_app(cors_origins=[FRONTEND], cookie_secure=False) as app,
        client_of(app, headers=FROM_THE_PAGE) as page,
    ):
        registered = await page.post("/auth/register", json=credentials)
        assert registered.status_code == 201
        assert registered.headers["access-control-allow-origin"] == FRONTEND

        login = await page.post("/auth/login", json=credentials | {"delivery": "cookie"})
        assert "refresh_token" not in login.json()
        assert login.headers["cache-control"] == "no-store"
        cookie = login.headers["set-cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/auth"))

        # A reload: the access token is gone, the cookie is all the page has.
        reloaded = await page.post("/auth/refresh")
        assert "refresh_token" not in reloaded.json()
        assert reloaded.json()["session_id"] == login.json()["session_id"]
        me = await page.get("/users/me", headers=bearer(reloaded.json()))
        assert me.json() == registered.json() | {"last_login_at": me.json()["last_login_at"]}

        # Another site, with the same cookie, gets nowhere.
        for path in ("/auth/refresh", "/auth/logout"):
            refused = await page.post(path, headers=FROM_ELSEWHERE)
            assert (refused.status_code, refused.json()["code"]) == (403, "csrf_rejected")
            assert "access-control-allow-origin" not in refused.headers
        assert (await page.get("/users/me", headers=bearer(reloaded.json()))).status_code == 200

        logout = await page.post("/auth/logout")
        assert logout.status_code == 204
        assert set(page.cookies) == {"device"}
        assert (await page.get("/users/me", headers=bearer(reloaded.json()))).status_code == 401
        assert (await page.post("/auth/refresh")).json()["code"] == "invalid_refresh_token"


async def test_a_stolen_cookie_is_worth_nothing_after_the_logout(
    new_app: AppFactory, credentials: dict[str, str]
) -> None:
    async with (
        new_app(cors_origins=[FRONTEND], cookie_secure=False) as app,
        client_of(app, headers=FROM_THE_PAGE) as page,
    ):
        await page.post("/auth/register", json=credentials)
        await page.post("/auth/login", json=credentials | {"delivery": "cookie"})
        stolen = httpx.Cookies(page.cookies)
        await page.post("/auth/logout")
        async with client_of(app, headers=FROM_THE_PAGE, cookies=stolen) as thief:
            assert (await thief.post("/auth/refresh")).status_code == 401
