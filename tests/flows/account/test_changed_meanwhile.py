"""What the password was asked for counts only while that password is still the account's."""

from typing import Any

import pytest
from fastapi import FastAPI

from auth_service.core.client import ClientInfo
from auth_service.core.ids import new_id
from auth_service.methods.password.confirmation import PasswordConfirmation
from auth_service.tokens.errors import InvalidAccessToken
from tests.conftest import PASSWORD
from tests.flows.email_change.test_email_change import change
from tests.flows.people import Person
from tests.flows.stored_rows import change_users, execute, stored_users

CHANGES = pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/users/me", {"password": PASSWORD}),
        ("POST", "/users/me/email", {"password": PASSWORD, "new_email": "new@example.com"}),
        (
            "PUT",
            "/users/me/password",
            {"current_password": PASSWORD, "new_password": "difference engine 1822"},
        ),
    ],
)


@pytest.fixture
def changed_after_it_was_confirmed(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another request changes the password just after this one has compared it."""
    confirm = PasswordConfirmation.begin

    async def confirm_then_change(self: PasswordConfirmation, *arguments: Any) -> Any:
        proven = await confirm(self, *arguments)
        await change_users(app, password_hash="another")
        return proven

    monkeypatch.setattr(PasswordConfirmation, "begin", confirm_then_change)


@CHANGES
async def test_a_password_that_changed_meanwhile_is_a_wrong_one(
    app: FastAPI,
    ada: Person,
    changed_after_it_was_confirmed: None,
    method: str,
    path: str,
    body: dict[str, str],
) -> None:
    answer = await ada.ask(method, path, **body)
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_failed")
    [user] = await stored_users(app)
    assert (user.email, user.password_hash) == (ada.email, "another")


async def test_nor_does_it_close_an_account_whose_address_was_changed(
    app: FastAPI,
    ada: Person,
    request: pytest.FixtureRequest,
) -> None:
    await change(app, ada)
    request.getfixturevalue("changed_after_it_was_confirmed")
    answer = await ada.ask("DELETE", "/users/me", password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_failed")
    assert await ada.is_logged_in()


@CHANGES
async def test_a_token_of_an_account_that_is_gone_meanwhile_is_invalid(
    app: FastAPI,
    ada: Person,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    body: dict[str, str],
) -> None:
    """Of two deletions at once the second is a request of nobody; so is any other change."""
    confirm = PasswordConfirmation.begin

    async def confirm_then_delete(self: PasswordConfirmation, *arguments: Any) -> Any:
        proven = await confirm(self, *arguments)
        await execute(app, "DELETE FROM users")
        return proven

    monkeypatch.setattr(PasswordConfirmation, "begin", confirm_then_delete)
    answer = await ada.ask(method, path, **body)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_access_token")


async def test_an_account_that_is_gone_has_no_password_that_is_right(app: FastAPI) -> None:
    confirmation: PasswordConfirmation = app.state.own_account._confirmation
    with pytest.raises(InvalidAccessToken):
        async with app.state.database.transaction() as db:
            await confirmation.begin(db, new_id(), PASSWORD, ClientInfo())
