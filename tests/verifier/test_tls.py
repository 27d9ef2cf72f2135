"""An issuer over TLS: believed only if its certificate is."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from auth_service.verifier import KeysUnavailableError
from tests.verifier.conftest import NewVerifier
from tests.verifier.loopback_issuer import KEY, LoopbackIssuer, running_issuer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the loopback address that only its own signature vouches for."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an issuer")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(private, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "issuer.pem"
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(key + signed.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[LoopbackIssuer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running_issuer(context) as issuer:
        yield issuer


def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    new_verifier: NewVerifier, secure: LoopbackIssuer
) -> None:
    with pytest.raises(KeysUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        new_verifier(jwks_url=f"{secure.url}/jwks.json").verify_sync(KEY.token())
    assert secure.fetches == 0


def test_a_private_authority_is_believed_where_the_client_says_so(
    new_verifier: NewVerifier, secure: LoopbackIssuer, certificate: Path
) -> None:
    trusted = ssl.create_default_context(cafile=certificate)
    verifier = new_verifier(
        jwks_url=f"{secure.url}/jwks.json",
        new_client=lambda: httpx.AsyncClient(verify=trusted),
    )
    assert verifier.verify_sync(KEY.token()).subject == "somebody"
