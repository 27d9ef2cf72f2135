"""Every error, the framework's own included, is a problem document with all its members."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, HTTPException

from auth_service.core.errors import (
    DomainError,
    FieldFault,
    Kind,
    ServiceUnavailable,
    ValidationFailed,
)
from auth_service.web.errors import MalformedBody, NotFound
from auth_service.web.problem_pages import catalogue
from auth_service.web.problems import example_of, problems, status_of
from auth_service.web.statuses import STATUS_OF_KIND
from tests.conftest import AppFactory, client_of

JSON = {"Content-Type": "application/json"}
MEMBERS = ["type", "title", "status", "detail", "code", "request_id"]
FRAMEWORK = [
    ("GET", "/nowhere", {}, 404, "not_found"),
    ("GET", "/auth/login/", {}, 404, "not_found"),
    ("GET", "/auth/login", {}, 405, "method_not_allowed"),
    ("DELETE", "/users/me/", {}, 404, "not_found"),
    ("POST", "/auth/login", {"content": b"a" * 16385, "headers": JSON}, 413, "body_too_large"),
    ("POST", "/auth/login", {"content": b"{}"}, 415, "unsupported_media_type"),
    ("POST", "/auth/login", {"content": b"{", "headers": JSON}, 400, "malformed_body"),
    ("POST", "/auth/login", {"content": b"{}", "headers": JSON}, 422, "validation_failed"),
    ("POST", "/auth/login", {}, 422, "validation_failed"),
    ("GET", "/users/me", {}, 401, "invalid_access_token"),
    (
        "POST",
        "/auth/refresh",
        {"content": b'{"refresh_token":"x"}', "headers": JSON},
        401,
        "invalid_refresh_token",
    ),
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Either database would do."""
    return sqlite_url


@pytest.mark.parametrize(("method", "path", "options", "status", "code"), FRAMEWORK)
async def test_an_error_is_a_problem_with_all_its_members(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    options: dict[str, Any],
    status: int,
    code: str,
) -> None:
    answer = await client.request(method, path, **options)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert list(problem) == [*MEMBERS, "errors"] if status == 422 else MEMBERS
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"http://localhost:8000/problems/{code}"
    assert problem["title"] == catalogue()[code].title
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("code", catalogue())
async def test_the_type_of_each_problem_answers_with_a_page(
    client: httpx.AsyncClient, code: str
) -> None:
    answer = await client.get(f"/problems/{code}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


async def test_the_type_is_below_the_issuer(new_app: AppFactory) -> None:
    async with new_app(issuer="https://auth.example.com/id") as app, client_of(app) as client:
        problem = (await client.get("/nowhere")).json()
        assert problem["type"] == "https://auth.example.com/id/problems/not_found"


async def test_a_405_names_the_methods_there_are(client: httpx.AsyncClient) -> None:
    assert (await client.get("/auth/login")).headers["allow"] == "POST"
    assert (await client.delete("/oauth/token")).headers["allow"] == "POST"
    assert (await client.post("/users/me")).headers["allow"] == "DELETE, GET, HEAD"
    assert (await client.put("/")).headers["allow"] == "GET, HEAD"


async def test_each_fault_has_pointer_code_and_message(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/login", json={"email": "secret", "x~/y": 1, "delivery": "z"})
    faults = answer.json()["errors"]
    assert [list(fault) for fault in faults] == [["pointer", "code", "message"]] * 4
    assert [(fault["pointer"], fault["code"]) for fault in faults] == [
        ("/email", "invalid_email"),
        ("/password", "missing"),
        ("/delivery", "literal_error"),
        ("", "extra_forbidden"),
    ]
    assert "secret" not in answer.text
    assert "x~" not in answer.text


async def test_a_body_that_is_no_object_is_a_fault_of_the_whole(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/login", json=["secret"])
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [""]
    assert "secret" not in answer.text


async def test_a_fault_outside_the_body_says_where(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/with-query")
    async def with_query(limit: int) -> int:
        return limit

    answer = await client.get("/with-query", params={"limit": "secret"})
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/limit"]
    assert "secret" not in answer.text


async def test_a_name_of_ours_is_escaped_in_a_pointer(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    @app.post("/escaped")
    async def escaped(body: dict[str, int]) -> None: ...

    answer = await client.post("/escaped", json={"a/b~c": "x"})
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/a~1b~0c"]


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (400, 400, "malformed_body"),
        (415, 415, "unsupported_media_type"),
        (418, 500, "internal_error"),
    ],
)
async def test_an_http_exception_of_the_framework_becomes_a_problem_of_ours(
    app: FastAPI, client: httpx.AsyncClient, raised: int, status: int, code: str
) -> None:
    @app.get("/raises")
    async def raises() -> None:
        raise HTTPException(raised, detail="secret", headers={"X-Kept": "yes"})

    answer = await client.get("/raises")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["x-kept"] == "yes"
    assert "secret" not in answer.text


async def test_a_problem_may_have_members_of_its_own(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    @app.get("/extended")
    async def extended() -> None:
        refusal = NotFound("Not here, Zoë.", retry_after=7)
        refusal.extensions = {"place": "here"}
        raise refusal

    answer = await client.get("/extended")
    assert answer.json()["place"] == "here"
    assert answer.json()["detail"] == "Not here, Zoë."
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (ServiceUnavailable(), 503, "temporarily_unavailable"),
        (ValidationFailed((FieldFault("/a", "b", "c"),)), 400, "invalid_request"),
        (NotFound(), 404, "invalid_request"),
    ],
)
async def test_below_oauth_an_error_has_the_form_of_rfc_6749(
    app: FastAPI, client: httpx.AsyncClient, error: DomainError, status: int, name: str
) -> None:
    @app.get("/oauth/raises")
    async def raises() -> None:
        raise error

    answer = await client.get("/oauth/raises")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"error": name, "error_description": error.detail}


def test_every_kind_has_a_status() -> None:
    assert set(STATUS_OF_KIND) == set(Kind)


@pytest.mark.parametrize("error", catalogue().values(), ids=catalogue())
def test_every_error_can_be_shown_to_a_person(error: type[DomainError]) -> None:
    assert error.__doc__
    assert error.title
    assert error.code.replace("_", "").isalpha()
    assert error.code.islower()
    assert 400 <= status_of(error) < 600


@pytest.mark.parametrize("error", catalogue().values(), ids=catalogue())
def test_who_may_come_back_is_told_when(error: type[DomainError]) -> None:
    if error.kind is Kind.UNAVAILABLE:
        assert error.retry_after is not None


def test_the_documentation_has_an_example_of_each_error_under_its_status() -> None:
    documented = problems(MalformedBody, ValidationFailed)
    assert list(documented) == [400, 422, 503]
    assert documented[422]["description"] == "Invalid"
    examples = documented[422]["content"]["application/problem+json"]["examples"]
    assert examples["validation_failed"]["value"]["errors"][0]["pointer"] == "/email"


def test_two_errors_of_one_status_are_documented_together() -> None:
    content = problems(ServiceUnavailable)[503]["content"]["application/problem+json"]
    assert list(content["examples"]) == ["service_unavailable"]


def test_an_example_has_the_members_of_an_answer() -> None:
    example = example_of(NotFound)
    assert list(example) == MEMBERS
    assert UUID(example["request_id"]).version == 7
