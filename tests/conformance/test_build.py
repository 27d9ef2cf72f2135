"""The file of conformance tokens is what its script makes, and complete."""

import runpy
import sys
from pathlib import Path

import pytest

from tests.architecture.package import REPOSITORY
from tests.conformance.vectors import CASES, FILE, INVALID, VALID, VECTORS

STALE = "run `python -m scripts.build_conformance_tokens`"
README = (REPOSITORY / "docs" / "conformance" / "README.md").read_text(encoding="utf-8")
CHECKS = {
    *("size", "form", "base64url", "json", "header", "alg", "typ", "kid", "signature"),
    *("claims", "iss", "aud", "exp", "iat", "nbf", "sub", "jti", "roles", "scope", "sid"),
}


def test_the_file_in_the_repository_is_the_one_the_script_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "tokens.json"
    monkeypatch.setattr(sys, "argv", ["build", "--target", str(target)])
    runpy.run_module("scripts.build_conformance_tokens", run_name="__main__")
    assert target.read_bytes() == FILE.read_bytes(), STALE


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case["id"] for case in CASES]
    assert len(names) == len(set(names))


def test_no_token_stands_there_twice() -> None:
    tokens = [case["token"] for case in CASES]
    assert len(tokens) == len(set(tokens))


def test_every_check_has_a_token_that_breaks_it() -> None:
    assert {case["check"] for case in INVALID} == CHECKS
    assert {case["check"] for case in VALID} == {None}


def test_the_keys_are_public_halves_only() -> None:
    for key in VECTORS["jwks"]["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_the_readme_explains_every_check(check: str) -> None:
    assert f"| `{check}` |" in README
