"""The OpenAPI document: kept in the repository, readable, and complete about errors."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from auth_service.app import create_app
from auth_service.settings import Settings
from auth_service.web.problem_pages import catalogue
from tests.architecture.package import REPOSITORY

Operation = dict[str, Any]
STALE = "docs/openapi.json is not what the service serves: run `make openapi`"
BOUNDS = {
    "string": [{"maxLength"}],
    "array": [{"maxItems"}],
    "integer": [{"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}],
    "number": [{"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}],
}
NEVER = "Never"
"""How the description of a response begins that only overrides the framework's own."""

TOUCH_NOTHING = {
    "get /healthz",
    "get /metrics",
    "get /.well-known/oauth-authorization-server",
    "get /.well-known/openid-configuration",
}


@pytest.fixture
def document() -> dict[str, Any]:
    return create_app(Settings(_env_file=None)).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def errors(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    """Each refusal that is documented: where, and the response."""
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and not response["description"].startswith(NEVER):
                yield f"{name} {status}", response


def test_the_document_in_the_repository_is_the_one_that_is_served(
    document: dict[str, Any],
) -> None:
    path = REPOSITORY / "docs" / "openapi.json"
    assert path.is_file(), STALE
    assert json.loads(path.read_text()) == json.loads(json.dumps(document)), STALE


def test_operations_have_names_that_a_generated_client_can_use(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for name in names:
        assert re.fullmatch(r"[a-z]+(_[a-z]+){0,4}", name), name
        assert not re.search(r"_(get|post|put|patch|delete)$", name), name


def test_every_operation_says_what_it_does_and_under_what_to_find_it(
    document: dict[str, Any],
) -> None:
    known = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(document):
        assert operation["description"].rstrip().endswith("."), name
        assert operation["summary"], name
        assert set(operation["tags"]) <= known, name
        assert len(operation["tags"]) == 1, name


def test_every_refusal_is_shown_by_an_example(document: dict[str, Any]) -> None:
    for name, response in errors(document):
        for media_type, content in response["content"].items():
            schema = _resolved(document, content["schema"])
            shown = content.get("examples") or content.get("example") or schema.get("examples")
            assert shown, f"{name} {media_type}"


def test_every_documented_code_has_a_page(document: dict[str, Any]) -> None:
    documented = {
        (name, code)
        for name, response in errors(document)
        for code in response["content"].get("application/problem+json", {}).get("examples", {})
    }
    assert documented
    assert {code for _, code in documented} <= set(catalogue())


def test_an_example_has_the_status_and_the_code_it_stands_under(document: dict[str, Any]) -> None:
    for name, response in errors(document):
        content = response["content"].get("application/problem+json", {})
        for code, example in content.get("examples", {}).items():
            assert example["value"]["code"] == code
            assert name.endswith(f" {example['value']['status']}")
            assert example["value"]["type"].endswith(f"/problems/{code}")


def test_every_operation_may_be_unavailable_but_those_that_touch_nothing(
    document: dict[str, Any],
) -> None:
    without = {name for name, op in operations(document) if "503" not in op["responses"]}
    assert without <= TOUCH_NOTHING


def test_everything_that_is_sent_has_a_bound(document: dict[str, Any]) -> None:
    """Strings a length or a closed form, numbers both ends, arrays a number of items."""
    unbounded = {
        f"{name}: {place}"
        for name, operation in operations(document)
        for start, schema in sent(operation)
        for place in unbounded_in(document, schema, start)
    }
    assert unbounded == set()


def sent(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a request carries, each with its name and its schema."""
    for parameter in operation.get("parameters", []):
        yield parameter["name"], parameter["schema"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield "body", content["schema"]


def unbounded_in(
    document: dict[str, Any], schema: dict[str, Any], place: str, within: tuple[str, ...] = ()
) -> Iterator[str]:
    """Where a schema lets anything through, however long or large."""
    if reference := schema.get("$ref"):
        if reference not in within:
            found = document["components"]["schemas"][reference.rpartition("/")[2]]
            yield from unbounded_in(document, found, place, (*within, reference))
        return
    bounds = BOUNDS.get(schema.get("type", ""), ())
    closed = schema.keys() & {"enum", "const"} or schema.get("format") in {"uuid", "date-time"}
    if not closed and not all(schema.keys() & either for either in bounds):
        yield place
    for name, inner in schema.get("properties", {}).items():
        yield from unbounded_in(document, inner, f"{place}.{name}", within)
    for inner in [*schema.get("anyOf", []), schema.get("items")]:
        if inner is not None:
            yield from unbounded_in(document, inner, place, within)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))):
        assert _resolved(document, {"$ref": reference}), reference


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found
