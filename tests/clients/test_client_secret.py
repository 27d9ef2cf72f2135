"""A client's secret: random, kept as a hash, compared with those that are good."""

import pytest

from auth_service.clients.client_secret import hash_of, matches, new_secret


def test_a_secret_has_256_random_bits_and_says_what_it_is() -> None:
    secrets = {new_secret() for _ in range(20)}
    assert len(secrets) == 20
    assert {len(secret) for secret in secrets} == {3 + 43}
    assert all(secret.startswith("cs_") for secret in secrets)


def test_a_hash_holds_nothing_of_the_secret() -> None:
    secret = new_secret()
    assert len(hash_of(secret)) == 32
    assert hash_of(secret).find(secret.encode()) == -1


def test_either_of_two_secrets_matches() -> None:
    one, other = new_secret(), new_secret()
    assert matches(one, hash_of(one), hash_of(other))
    assert matches(other, hash_of(one), hash_of(other))
    assert matches(one, hash_of(one), None)


@pytest.mark.parametrize("wrong", ["", "cs_", "\ud800", "é" * 500])
def test_nothing_else_does(wrong: str) -> None:
    assert not matches(wrong, hash_of(new_secret()), None)
    assert not matches(wrong, None, None)
