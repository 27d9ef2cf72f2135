"""The service's name among mail servers."""

import pytest

from auth_service.mail.host import host_of


@pytest.mark.parametrize(
    ("issuer", "host"),
    [
        ("https://auth.example.com/id", "auth.example.com"),
        ("https://anmeldung.bücher.example", "anmeldung.xn--bcher-kva.example"),
        ("http://127.0.0.1:8000", "[127.0.0.1]"),
        ("http://[::1]:8000", "[IPv6:::1]"),
        ("http://:8000", "localhost"),
    ],
)
def test_it_is_the_issuer_s_host(issuer: str, host: str) -> None:
    assert host_of(issuer) == host
