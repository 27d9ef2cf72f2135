"""Fields that several bodies have: what they take, and what OpenAPI says of them."""

import pytest
from pydantic import ValidationError

from auth_service.core.emails import Email
from auth_service.web.fields import MAXIMUM_PASSWORD_LENGTH, EmailField, PasswordField, RequestBody


class Body(RequestBody):
    email: EmailField
    password: PasswordField


def test_an_address_is_read_into_its_spelling_and_its_key() -> None:
    body = Body.model_validate({"email": " Ada@Example.com", "password": "p"})
    assert body.email == Email(address="Ada@example.com", key="ada@example.com")


def test_a_password_is_taken_as_typed() -> None:
    body = Body.model_validate(
        {"email": "ada@example.com", "password": " p\N{COMBINING ACUTE ACCENT} "}
    )
    assert body.password == " p\N{COMBINING ACUTE ACCENT} "


@pytest.mark.parametrize(
    ("email", "code"),
    [
        (None, "string_type"),
        (5, "string_type"),
        (b"a@b.example", "string_type"),
        ("typed", "invalid_email"),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(email: object, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Body.model_validate({"email": email, "password": "p"})
    (fault,) = refused.value.errors(include_input=False)
    assert fault["type"] == code
    assert str(email) not in fault["msg"].split()


@pytest.mark.parametrize("password", ["", "p" * (MAXIMUM_PASSWORD_LENGTH + 1), None, 12345678])
def test_what_is_no_password_is_refused(password: object) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate({"email": "ada@example.com", "password": password})


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError) as refused:
        Body.model_validate({"email": "ada@example.com", "password": "p", "admin": True})
    assert [fault["type"] for fault in refused.value.errors()] == ["extra_forbidden"]


def test_the_schema_tells_forms_what_to_show() -> None:
    schema = Body.model_json_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["email"] == {
        "format": "email",
        "maxLength": 320,
        "title": "Email",
        "type": "string",
    }
    assert schema["properties"]["password"]["format"] == "password"
