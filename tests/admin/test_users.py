"""``/admin/users/{id}``: what administrators see and change, and how soon it shows."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.admin.conftest import log_in, new_administrator
from tests.conftest import PASSWORD, AppFactory, bearer, client_of
from tests.flows.events import actions, events
from tests.flows.mails import kinds, last_mail
from tests.flows.people import Person
from tests.flows.stored_rows import change_users, stored_sessions, stored_users
from tests.moving_clock import MovingClock

NOBODY = "019b17d7-0dac-7549-bd4f-3506907d1583"
BOB = {"email": "bob@example.com"}
NEW = "difference engine 1822"


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Person:
    """One of the people, logged in, with a verified address or not."""
    return await (await Person(client).register()).log_in()


@pytest.fixture
async def ada_path(app: FastAPI, ada: Person) -> str:
    [user] = [user for user in await stored_users(app) if user.email == ada.email]
    return f"/admin/users/{user.id}"


async def me(client: httpx.AsyncClient, person: Person) -> int:
    return (await client.get("/users/me", headers=person.headers)).status_code


# --- Who may ---


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("GET", f"/{NOBODY}"),
        ("PATCH", f"/{NOBODY}"),
        ("DELETE", f"/{NOBODY}"),
        ("POST", f"/{NOBODY}/password-reset"),
        ("POST", f"/{NOBODY}/unlock"),
        ("GET", f"/{NOBODY}/sessions"),
        ("DELETE", f"/{NOBODY}/sessions"),
    ],
)
async def test_only_administrators_may(
    client: httpx.AsyncClient, ada: Person, method: str, path: str
) -> None:
    answer = await client.request(method, f"/admin/users{path}", headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await client.request(method, f"/admin/users{path}")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/{NOBODY}"),
        ("PATCH", f"/{NOBODY}"),
        ("DELETE", f"/{NOBODY}"),
        ("POST", f"/{NOBODY}/password-reset"),
        ("POST", f"/{NOBODY}/unlock"),
        ("GET", f"/{NOBODY}/sessions"),
        ("DELETE", f"/{NOBODY}/sessions"),
    ],
)
async def test_nobody_is_not_found(
    client: httpx.AsyncClient, admin: dict[str, str], method: str, path: str
) -> None:
    body = {"email_verified": True} if method == "PATCH" else None
    answer = await client.request(method, f"/admin/users{path}", headers=admin, json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")


async def test_changes_need_a_recent_login(
    client: httpx.AsyncClient, admin: dict[str, str], ada_path: str, clock: MovingClock
) -> None:
    clock.advance(minutes=10, seconds=1)
    refused = [
        await client.post("/admin/users", json=BOB, headers=admin),
        await client.patch(ada_path, json={"roles": ["admin"]}, headers=admin),
        await client.patch(ada_path, json={"disabled": True}, headers=admin),
        await client.delete(ada_path, headers=admin),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (
            401,
            "insufficient_user_authentication",
        )
        assert 'max_age="600"' in answer.headers["www-authenticate"]


# --- Seeing ---


async def test_an_account_is_seen_with_its_tag_and_never_a_password(
    client: httpx.AsyncClient, admin: dict[str, str], ada_path: str
) -> None:
    answer = await client.get(ada_path, headers=admin)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["etag"].startswith('"')
    found = answer.json()
    assert set(found) == {
        "id",
        "email",
        "email_verified",
        "roles",
        "created_at",
        "last_login_at",
        "disabled",
        "disabled_at",
        "disabled_until",
        "locked",
    }
    assert (found["email"], found["roles"]) == ("ada@example.com", ["user"])
    assert (found["disabled"], found["locked"]) == (False, False)


# --- Creating ---


async def test_a_new_account_gets_a_link_to_set_its_password(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], clock: MovingClock
) -> None:
    body = {"email": "Bob@example.com", "roles": ["user", "editor", "user"]}
    answer = await client.post("/admin/users", json=body, headers=admin)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["email"], made["roles"], made["email_verified"]) == (
        "Bob@example.com",
        ["user", "editor"],
        False,
    )
    assert answer.headers["location"] == f"/admin/users/{made['id']}"
    assert (await client.get(answer.headers["location"], headers=admin)).headers[
        "etag"
    ] == answer.headers["etag"]
    mail = await last_mail(app, "account_created")
    assert (mail.to, mail.values["valid_for"]) == ("Bob@example.com", "24 hours")
    clock.advance(hours=23)
    reset = {"token": mail.token, "new_password": NEW}
    assert (await client.post("/auth/password/reset", json=reset)).status_code == 204
    await Person(client, email="bob@example.com", password=NEW).log_in()


async def test_an_account_without_a_password_has_none_that_is_right(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    await client.post("/admin/users", json=BOB, headers=admin)
    for password in ("", "None", PASSWORD):
        answer = await client.post("/auth/login", json=BOB | {"password": password or "x"})
        assert answer.json()["code"] == "invalid_credentials"


async def test_it_works_where_registration_is_closed(new_app: AppFactory) -> None:
    async with new_app(registration="closed") as app, client_of(app) as client:
        await new_administrator(app)
        admin = await log_in(client)
        answer = await client.post("/admin/users", json=BOB, headers=admin)
        assert (answer.status_code, answer.json()["roles"]) == (201, ["user"])


async def test_a_taken_address_is_refused(
    client: httpx.AsyncClient, admin: dict[str, str], ada: Person
) -> None:
    answer = await client.post("/admin/users", json={"email": "ADA@example.com"}, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "no address"},
        BOB | {"password": NEW},
        BOB | {"roles": ["Admin"]},
        BOB | {"roles": "admin"},
        BOB | {"roles": [None]},
        BOB | {"roles": [f"r{number}" for number in range(51)]},
        BOB | {"email_verified": "yes"},
    ],
)
async def test_what_cannot_be_made_is_refused(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], body: dict[str, Any]
) -> None:
    answer = await client.post("/admin/users", json=body, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert len(await stored_users(app)) == 1


# --- Changing ---


async def test_new_roles_hold_at_the_next_request(
    client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    assert (await client.get("/admin/users", headers=ada.headers)).status_code == 403
    body = {"roles": ["user", "admin"]}
    answer = await client.patch(ada_path, json=body, headers=admin)
    assert (answer.status_code, answer.json()["roles"]) == (200, ["user", "admin"])
    assert (await client.get("/admin/users", headers=ada.headers)).status_code == 200
    await client.patch(ada_path, json={"roles": []}, headers=admin)
    assert (await client.get("/admin/users", headers=ada.headers)).status_code == 403
    assert (await client.get("/users/me", headers=ada.headers)).json()["roles"] == []


async def test_who_is_disabled_is_out_at_once_and_dead_sessions_stay_dead(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    answer = await client.patch(ada_path, json={"disabled": True}, headers=admin)
    assert (answer.json()["disabled"], answer.json()["disabled_until"]) == (True, None)
    assert await me(client, ada) == 401
    assert (await ada.try_to_log_in()).status_code == 401
    answer = await client.patch(ada_path, json={"disabled": False}, headers=admin)
    assert (answer.json()["disabled"], answer.json()["disabled_at"]) == (False, None)
    assert await me(client, ada) == 401
    await ada.log_in()
    assert await me(client, ada) == 200


async def test_who_is_disabled_until_a_time_is_in_again_after_it(
    client: httpx.AsyncClient,
    admin: dict[str, str],
    ada: Person,
    ada_path: str,
    clock: MovingClock,
) -> None:
    until = (clock.now() + timedelta(hours=1)).isoformat()
    answer = await client.patch(ada_path, json={"disabled_until": until}, headers=admin)
    assert answer.json()["disabled"]
    assert (await ada.try_to_log_in()).status_code == 401
    clock.advance(hours=1, seconds=1)
    await ada.log_in()
    admin = await log_in(client)
    assert not (await client.get(ada_path, headers=admin)).json()["disabled"]


async def test_the_end_of_a_disabling_can_be_taken_away(
    client: httpx.AsyncClient, admin: dict[str, str], ada_path: str, clock: MovingClock
) -> None:
    nothing = await client.patch(ada_path, json={"disabled_until": None}, headers=admin)
    assert not nothing.json()["disabled"]
    until = (clock.now() + timedelta(hours=1)).isoformat()
    first = await client.patch(ada_path, json={"disabled_until": until}, headers=admin)
    clock.advance(seconds=5)
    answer = await client.patch(ada_path, json={"disabled_until": None}, headers=admin)
    assert (answer.json()["disabled"], answer.json()["disabled_until"]) == (True, None)
    assert answer.json()["disabled_at"] == first.json()["disabled_at"]


async def test_what_was_mailed_before_does_nothing_for_who_is_disabled(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    verify = (await last_mail(app, "verify_email")).token
    await client.post("/auth/password/forgot", json={"email": ada.email})
    reset = (await last_mail(app, "password_reset")).token
    await client.patch(ada_path, json={"disabled": True}, headers=admin)
    for path, body in (
        ("/auth/verify-email", {"token": verify}),
        ("/auth/password/reset", {"token": reset, "new_password": NEW}),
    ):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_token")


async def test_an_address_can_be_called_verified_or_not(
    client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    for verified in (True, False):
        body = {"email_verified": verified}
        answer = await client.patch(ada_path, json=body, headers=admin)
        assert answer.json()["email_verified"] is verified
        found = await client.get("/users/me", headers=ada.headers)
        assert found.json()["email_verified"] is verified


@pytest.mark.parametrize(
    "body",
    [
        {"roles": None},
        {"disabled": None},
        {"email_verified": None},
        {"disabled": "true"},
        {"disabled_until": 1800000000},
        {"disabled_until": "2100-01-01"},
        {"disabled_until": "2100-01-01T00:00:00"},
        {"disabled": False, "disabled_until": "2100-01-01T00:00:00Z"},
        {"password": NEW},
        {"email": "new@example.com"},
        {"roles": ["ro le"]},
    ],
)
async def test_what_cannot_be_changed_is_refused(
    client: httpx.AsyncClient, admin: dict[str, str], ada_path: str, body: dict[str, Any]
) -> None:
    before = (await client.get(ada_path, headers=admin)).json()
    answer = await client.patch(ada_path, json=body, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert (await client.get(ada_path, headers=admin)).json() == before


async def test_a_change_that_changes_nothing_is_no_event(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], ada_path: str
) -> None:
    before = await actions(app)
    for body in ({}, {"roles": ["user"]}, {"disabled": False}, {"email_verified": False}):
        assert (await client.patch(ada_path, json=body, headers=admin)).status_code == 200
    assert await actions(app) == before


async def test_every_change_is_written_down_with_before_and_after(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    root = (await client.get("/users/me", headers=admin)).json()["id"]
    await client.patch(ada_path, json={"roles": ["editor"], "email_verified": True}, headers=admin)
    await client.patch(ada_path, json={"disabled": True}, headers=admin)
    await client.patch(ada_path, json={"disabled": False}, headers=admin)
    found = [event for event in await events(app) if str(event.actor_id) == root]
    found = [event for event in found if str(event.subject_id) != root]
    assert [event.action for event in found] == [
        "user.roles_changed",
        "email.verification_set",
        "user.disabled",
        "user.enabled",
    ]
    assert {str(event.subject_id) for event in found} == {ada_path.rpartition("/")[2]}
    assert found[0].details == {"before": {"roles": ["user"]}, "after": {"roles": ["editor"]}}
    assert found[1].details["after"] == {"email_verified": True}


async def test_the_owner_sees_what_was_done_but_not_from_where(
    client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    headers = admin | {"User-Agent": "the administrator's browser"}
    await client.patch(ada_path, json={"roles": ["editor"]}, headers=headers)
    answer = await client.get("/users/me/security-events", headers=ada.headers)
    event = answer.json()["items"][0]
    assert event["action"] == "user.roles_changed"
    assert (event["ip"], event["user_agent"], event["session_id"]) == (None, None, None)


# --- If-Match ---


async def test_a_change_of_what_was_seen_is_made(
    client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    tag = (await client.get(ada_path, headers=admin)).headers["etag"]
    await ada.log_in()  # is no change that an administrator made
    for form in ("{tag}", '"other", {tag}', "*"):
        headers = admin | {"If-Match": form.format(tag=tag)}
        answer = await client.patch(ada_path, json={"email_verified": True}, headers=headers)
        assert answer.status_code == 200
        tag = answer.headers["etag"]


@pytest.mark.parametrize("form", ['"other"', "W/{tag}", "{bare}", "", '""'])
async def test_a_change_of_something_else_is_not(
    client: httpx.AsyncClient, admin: dict[str, str], ada_path: str, form: str
) -> None:
    tag = (await client.get(ada_path, headers=admin)).headers["etag"]
    headers = admin | {"If-Match": form.format(tag=tag, bare=tag.strip('"'))}
    for answer in (
        await client.patch(ada_path, json={"disabled": True}, headers=headers),
        await client.delete(ada_path, headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert (await client.get(ada_path, headers=admin)).headers["etag"] == tag


@pytest.mark.parametrize(
    "body", [{"roles": ["editor"]}, {"disabled": True}, {"email_verified": True}]
)
async def test_every_change_changes_the_tag(
    client: httpx.AsyncClient, admin: dict[str, str], ada_path: str, body: dict[str, Any]
) -> None:
    tag = (await client.get(ada_path, headers=admin)).headers["etag"]
    assert (await client.patch(ada_path, json=body, headers=admin)).headers["etag"] != tag


# --- The last administrator ---


@pytest.mark.parametrize(
    "body",
    [
        {"roles": ["user"]},
        {"disabled": True},
        {"disabled_until": "2100-01-01T00:00:00Z"},
        {"roles": [], "disabled": True},
    ],
)
async def test_the_last_administrator_stays_one(
    client: httpx.AsyncClient, admin: dict[str, str], body: dict[str, Any]
) -> None:
    path = f"/admin/users/{(await client.get('/users/me', headers=admin)).json()['id']}"
    answer = await client.patch(path, json=body, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    answer = await client.delete(path, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    assert (await client.get(path, headers=admin)).json()["roles"] == ["user", "admin"]


async def test_one_of_two_administrators_may_go(
    client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    path = f"/admin/users/{(await client.get('/users/me', headers=admin)).json()['id']}"
    await client.patch(ada_path, json={"roles": ["admin"]}, headers=admin)
    assert (await client.patch(path, json={"roles": []}, headers=admin)).status_code == 200
    assert (await client.get(path, headers=admin)).status_code == 403
    assert (await client.get(path, headers=ada.headers)).status_code == 200


async def test_a_disabled_administrator_does_not_count(
    client: httpx.AsyncClient, admin: dict[str, str], ada_path: str
) -> None:
    path = f"/admin/users/{(await client.get('/users/me', headers=admin)).json()['id']}"
    body = {"roles": ["admin"], "disabled": True}
    assert (await client.patch(ada_path, json=body, headers=admin)).status_code == 200
    assert (await client.patch(path, json={"roles": []}, headers=admin)).status_code == 409


async def test_an_administrators_other_roles_may_change(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    path = f"/admin/users/{(await client.get('/users/me', headers=admin)).json()['id']}"
    answer = await client.patch(path, json={"roles": ["admin", "editor"]}, headers=admin)
    assert answer.status_code == 200


# --- Deleting ---


async def test_a_deleted_account_is_gone_with_its_sessions_and_its_owner_told(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    assert (await client.delete(ada_path, headers=admin)).status_code == 204
    assert await me(client, ada) == 401
    assert [user.email for user in await stored_users(app)] == ["root@example.com"]
    assert "account_deleted to ada@example.com" in await kinds(app)
    user_id = uuid.UUID(ada_path.rpartition("/")[2])
    own = [event for event in await events(app) if event.subject_id == user_id]
    assert own[-1].action == "user.deleted"
    assert {event.ip for event in own} == {None}
    assert await stored_sessions(app) != []  # the administrator's
    assert (await Person(client).register()).email == "ada@example.com"


# --- Resetting and unlocking ---


async def test_a_reset_voids_the_password_and_every_session(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    answer = await client.post(f"{ada_path}/password-reset", headers=admin)
    assert (answer.status_code, answer.json()) == (202, {})
    assert await me(client, ada) == 401
    assert (await ada.try_to_log_in()).status_code == 401
    mail = await last_mail(app, "password_voided")
    reset = {"token": mail.token, "new_password": NEW}
    assert (await client.post("/auth/password/reset", json=reset)).status_code == 204
    ada.password = NEW
    await ada.log_in()
    assert "password.voided" in await actions(app)


async def test_a_locked_account_is_seen_and_unlocked(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    await change_users(app, failed_logins=100)
    assert (await client.get(ada_path, headers=admin)).json()["locked"]
    ada.http.cookies.clear()
    assert (await ada.try_to_log_in()).status_code == 401
    assert (await client.post(f"{ada_path}/unlock", headers=admin)).status_code == 204
    assert not (await client.get(ada_path, headers=admin)).json()["locked"]
    await ada.log_in()
    assert "password.unlocked" in await actions(app)


# --- Sessions ---


async def test_somebodys_sessions_are_listed_in_pages_and_ended(
    client: httpx.AsyncClient, admin: dict[str, str], ada: Person, ada_path: str
) -> None:
    await ada.log_in()
    path = f"{ada_path}/sessions"
    first = (await client.get(f"{path}?limit=1", headers=admin)).json()
    cursor = first["next_cursor"]
    second = (await client.get(f"{path}?limit=1&cursor={cursor}", headers=admin)).json()
    assert first["items"][0]["id"] == ada.tokens["session_id"]
    assert (len(second["items"]), second["next_cursor"]) == (1, None)
    assert set(first["items"][0]) == {
        "id",
        "created_at",
        "last_used_at",
        "expires_at",
        "ip",
        "user_agent",
        "device",
    }
    assert (await client.delete(path, headers=admin)).status_code == 204
    assert (await client.get(path, headers=admin)).json()["items"] == []
    assert await me(client, ada) == 401


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as found:
        yield found


async def test_a_services_token_is_refused(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    body = {"name": "orders", "scopes": ["admin"]}
    made = (await client.post("/admin/clients", json=body, headers=admin)).json()
    form = {"grant_type": "client_credentials"}
    answer = await client.post("/oauth/token", data=form, auth=(made["id"], made["secret"]))
    refused = await client.get("/admin/users", headers=bearer(answer.json()))
    assert refused.status_code == 401
