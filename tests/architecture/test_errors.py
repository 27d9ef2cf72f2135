"""Every refusal has a name, a page, and a proof where it promises to keep what was written."""

import ast
import re
from itertools import combinations

import pytest

from auth_service.core.errors import DomainError, Kind
from auth_service.web.problem_pages import catalogue
from auth_service.web.problems import status_of
from tests.architecture.package import REPOSITORY, all_errors

KEPT_WRITES = {
    "RefreshTokenReused": "tests/db/test_kept_writes.py::"
    "test_a_reused_refresh_token_ends_its_session_although_the_answer_is_an_error",
    "InvalidCredentials": "tests/flows/login/test_login_events.py::"
    "test_a_failed_login_is_written_down_although_the_answer_is_an_error",
    "EmailNotVerified": "tests/flows/login/test_login_events.py::"
    "test_a_login_before_the_verification_is_written_down_although_the_answer_is_an_error",
    "ReauthenticationFailed": "tests/flows/account/test_password_change.py::"
    "test_a_wrong_password_is_written_down_although_the_answer_is_an_error",
}
"""Each error that keeps its writes, and the test over HTTP that the write survived."""


def by_name(error: type[DomainError]) -> str:
    return error.__qualname__


@pytest.mark.parametrize("error", all_errors(), ids=by_name)
def test_an_error_has_a_page_of_its_own(error: type[DomainError]) -> None:
    assert "__doc__" in vars(error)
    assert error.__doc__
    assert error.__doc__.strip().endswith(".")


@pytest.mark.parametrize("error", all_errors(), ids=by_name)
def test_an_error_has_a_kind_a_code_and_a_title(error: type[DomainError]) -> None:
    assert isinstance(error.kind, Kind)
    assert status_of(error) >= 400
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert error.title[0].isupper()
    assert not error.title.endswith(".")


def test_two_errors_share_a_code_only_where_both_are_the_same_error() -> None:
    for one, other in combinations(all_errors(), 2):
        if one.code == other.code:
            assert any(
                issubclass(one, general) and issubclass(other, general)
                for general in all_errors()
                if general.code == one.code
            ), one.code


def test_the_catalogue_has_every_code_with_its_general_error() -> None:
    assert set(catalogue()) == {error.code for error in all_errors()}
    for code, error in catalogue().items():
        assert all(issubclass(other, error) for other in all_errors() if other.code == code)


@pytest.mark.parametrize("error", all_errors(), ids=by_name)
def test_what_may_be_tried_again_says_when(error: type[DomainError]) -> None:
    if error.kind is Kind.UNAVAILABLE:
        assert error.retry_after


@pytest.mark.parametrize("error", all_errors(), ids=by_name)
def test_a_refused_caller_is_told_how_to_authenticate(error: type[DomainError]) -> None:
    if error.kind is Kind.UNAUTHENTICATED:
        assert error.challenge.split()[0] in {"Bearer", "Basic"}


def test_every_error_that_keeps_its_writes_names_its_proof() -> None:
    assert {by_name(error) for error in all_errors() if error.keeps_writes} == set(KEPT_WRITES)


@pytest.mark.parametrize("proof", KEPT_WRITES.values(), ids=KEPT_WRITES)
def test_the_proof_that_writes_are_kept_exists(proof: str) -> None:
    path, _, test = proof.partition("::")
    tree = ast.parse((REPOSITORY / path).read_text())
    tests = {node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
    assert test in tests
