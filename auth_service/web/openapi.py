"""What the generated OpenAPI document says besides the routes."""

import json
from copy import deepcopy
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from auth_service.web.errors import AmbiguousRequest
from auth_service.web.problems import problems

TAGS: Final[list[dict[str, Any]]] = [
    {"name": "people", "description": "Register, log in, stay logged in, log out."},
    {"name": "account", "description": "One's own account."},
    {"name": "services", "description": "Standard OAuth endpoints, for clients that speak them."},
    {"name": "administration", "description": "For people with the role `admin`."},
    {"name": "operations", "description": "For whoever runs the service."},
]


class FieldProblem(BaseModel):
    """One field that cannot be accepted."""

    pointer: str = Field(description="A JSON pointer (RFC 6901) into the body.")
    code: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="The address of a page about this problem.")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable: this is what programs should look at.")
    request_id: str = Field(description="As in `X-Request-ID`, and in the service's log.")
    errors: list[FieldProblem] | None = Field(
        default=None, description="With `validation_failed`: each field and its fault."
    )


PROBLEM_SCHEMA: Final = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
FIELD_PROBLEM_SCHEMA: Final = PROBLEM_SCHEMA.pop("$defs")["FieldProblem"]


def drop_what_never_happens(document: dict[str, Any]) -> None:
    """Take out what the framework adds of itself: schemas nobody refers to, a 422 nobody gives."""
    for path, operations in document["paths"].items():
        if path.startswith("/oauth/"):
            for operation in operations.values():
                operation["responses"].pop("422", None)
    schemas = document["components"]["schemas"]
    text = json.dumps(document)
    for name in [name for name in schemas if f'"#/components/schemas/{name}"' not in text]:
        del schemas[name]


def add_what_any_request_can_get(document: dict[str, Any]) -> None:
    """Note the refusal that comes before any route: of headers and parameters that stand twice."""
    refusal = problems(AmbiguousRequest)[HTTPStatus.BAD_REQUEST]
    for path, operations in document["paths"].items():
        if path.startswith("/oauth/"):
            continue  # in the error form of RFC 6749, which every route there has under 400
        for operation in operations.values():
            noted = operation["responses"].setdefault("400", deepcopy(refusal))
            examples = noted["content"]["application/problem+json"]["examples"]
            examples |= refusal["content"]["application/problem+json"]["examples"]


def describe_clients(document: dict[str, Any], *, password_grant: bool) -> None:
    """Note how service clients authenticate, and take the login by form out where there is none."""
    of_people = document["components"]["securitySchemes"]
    # In front, as Swagger UI's dialog puts the cursor into the last form: that of people.
    schemes = document["components"]["securitySchemes"] = {
        "ClientBasic": {
            "type": "http",
            "scheme": "basic",
            "description": "For services only: the id and the secret of a service client "
            "(RFC 6749 section 2.3.1). People log in below.",
        },
        **of_people,
    }
    for path, security in _CLIENTS_MAY.items():
        for operation in document["paths"][path].values():
            operation["security"] = security
    if not password_grant:
        schemes["OAuth2PasswordBearer"] = {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access_token` of `POST /auth/login`.",
        }


_BASIC: Final = {"ClientBasic": list[str]()}
_CLIENTS_MAY: Final[dict[str, list[dict[str, list[str]]]]] = {
    "/oauth/token": [_BASIC, {}],
    "/oauth/introspect": [_BASIC],
    "/oauth/revoke": [_BASIC, {}],
}


def operation_id(route: APIRoute) -> str:
    """Handlers are named as a generated client's methods should be."""
    return route.name


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, generated once, with the schema of problems that routes refer to."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        schemas = document["components"]["schemas"]
        schemas.update(Problem=PROBLEM_SCHEMA, FieldProblem=FIELD_PROBLEM_SCHEMA)
        drop_what_never_happens(document)
        add_what_any_request_can_get(document)
        describe_clients(document, password_grant=app.state.settings.password_grant)
        app.openapi_schema = document
    return app.openapi_schema
