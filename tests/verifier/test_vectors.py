"""Wycheproof's verdicts on signatures and form; see `vectors/README.md` for where they are from."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from jose import jwk

from auth_service.verifier.compact import decode_part, split_compact
from auth_service.verifier.errors import InvalidTokenError
from auth_service.verifier.strict import PublicKey, StrictCheck

_FILE: Final = Path(__file__).parent / "vectors" / "json_web_signature.json"
GROUPS: Final[list[dict[str, Any]]] = json.loads(_FILE.read_text())["testGroups"]
# What is refused only after the signature was found right: the payloads are no claims.
_AFTER_THE_SIGNATURE: Final = {"json", "claims"}
# Labelled valid, and refused all the same: an empty payload; characters that are not base64url.
_STRICTER_HERE: Final = {259, 372, 373}
# Labelled invalid for a padding that the published files have lost: they equal the valid 357.
_MISLABELLED: Final = {367, 370}


class WithoutType(StrictCheck):
    """The strict check, but for `typ`, which the vectors do not have."""

    def _key_id_of(self, header: dict[str, Any]) -> str:
        return super()._key_id_of({"typ": "at+jwt", **header})


def named(test: dict[str, Any]) -> str:
    return f"{test['tcId']}-{test['comment']}"


SIGNATURE_TESTS: Final = [
    pytest.param(group["public"], test, id=named(test))
    for group in GROUPS
    if "public" in group
    for test in group["tests"]
]
FORM_TESTS: Final = [
    pytest.param(test, id=named(test))
    for group in GROUPS
    if group["comment"] == "base64"
    for test in group["tests"]
    if test["tcId"] not in _MISLABELLED
]


def refused_at(public: dict[str, Any], jws: str) -> str:
    check = WithoutType(issuer="x", audience="x", algorithm=public["alg"], now=lambda: 0.0)
    key: PublicKey = jwk.construct(public, public["alg"])
    with pytest.raises(InvalidTokenError) as refusal:
        check.verify(jws, {public["kid"]: key})
    return refusal.value.check


@pytest.mark.parametrize(("public", "test"), SIGNATURE_TESTS)
def test_the_signature_is_judged_as_the_vector_says(
    public: dict[str, Any], test: dict[str, Any]
) -> None:
    passed_the_signature = refused_at(public, test["jws"]) in _AFTER_THE_SIGNATURE
    valid = test["result"] == "valid" and test["tcId"] not in _STRICTER_HERE
    assert passed_the_signature is valid


def is_well_formed(jws: str) -> bool:
    try:
        for part in split_compact(jws):
            decode_part(part)
    except InvalidTokenError:
        return False
    return True


@pytest.mark.parametrize("test", FORM_TESTS)
def test_a_spelling_is_judged_as_the_vector_says(test: dict[str, Any]) -> None:
    valid = test["result"] == "valid" and test["tcId"] not in _STRICTER_HERE
    assert is_well_formed(test["jws"]) is valid


@pytest.mark.parametrize("test", FORM_TESTS)
def test_a_mac_is_refused_however_right_it_is(test: dict[str, Any]) -> None:
    assert refused_at(GROUPS[0]["public"], test["jws"]) not in _AFTER_THE_SIGNATURE
