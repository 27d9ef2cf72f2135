"""Hashes that other frameworks wrote, so that their users move over with their passwords.

Werkzeug (Flask): ``pbkdf2:<digest>:<iterations>$<salt>$<hex>``, ``scrypt:<N>:<r>:<p>$<salt>$<hex>``
and Django: ``pbkdf2_sha256$<iterations>$<salt>$<base64>``, the same with sha1, and
``bcrypt_sha256$$2b$...``.

Werkzeug has always written the iterations down (its default was 1,000 in 0.9 and has grown a
thousandfold), so a hash without them is nobody's. Its plain, unsalted and HMAC hashes are not
read: such a password needs a reset.
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from typing import Final

from passlib.hash import bcrypt

from auth_service.methods.password.schemes import (
    BCRYPT,
    MEMORY_LIMIT,
    ForeignScheme,
    bcrypt_affordable,
    bcrypt_sound,
    never_nul,
)

_ITERATIONS_LIMIT: Final = 10_000_000
_SCRYPT_CHECKSUM_DIGITS: Final = 128
_SCRYPT_COST_MINIMUM: Final = 128  # below, Werkzeug's own allowance of memory is too small
_SALT: Final = r"(?P<salt>[!-#%-~]{1,128})"  # printable ASCII but the dollar sign


def _pbkdf2_affordable(found: re.Match[str]) -> bool:
    return int(found["iterations"]) <= _ITERATIONS_LIMIT


def _werkzeug_pbkdf2_sound(found: re.Match[str]) -> bool:
    digits = 2 * _digest_bytes(found)
    return int(found["iterations"]) > 0 and len(found["checksum"]) == digits


def _django_pbkdf2_sound(found: re.Match[str]) -> bool:
    try:
        checksum = b64decode(found["checksum"], validate=True)
    except ValueError:
        return False
    return (
        int(found["iterations"]) > 0
        and len(checksum) == _digest_bytes(found)
        and b64encode(checksum).decode() == found["checksum"]
    )


def _digest_bytes(found: re.Match[str]) -> int:
    return hashlib.new(found["digest"], usedforsecurity=False).digest_size


def _scrypt_memory(found: re.Match[str]) -> int:
    # Werkzeug's own allowance: 128 bytes (RFC 7914 section 2) and some for the library.
    return 132 * int(found["n"]) * int(found["r"]) * int(found["p"])


def _scrypt_affordable(found: re.Match[str]) -> bool:
    # All three factors make the work, so bounding their product bounds the time as well.
    return _scrypt_memory(found) <= MEMORY_LIMIT


def _scrypt_sound(found: re.Match[str]) -> bool:
    n, r, p = int(found["n"]), int(found["r"]), int(found["p"])
    return (
        min(r, p) > 0
        and n >= _SCRYPT_COST_MINIMUM
        and n.bit_count() == 1
        and n.bit_length() <= 16 * r  # RFC 7914 section 2: N < 2^(128 * r / 8)
        and len(found["checksum"]) == _SCRYPT_CHECKSUM_DIGITS
    )


def _pbkdf2(secret: bytes, found: re.Match[str]) -> bytes:
    salt, iterations = found["salt"].encode(), int(found["iterations"])
    return hashlib.pbkdf2_hmac(found["digest"], never_nul(secret), salt, iterations)


def _verify_werkzeug_pbkdf2(secret: bytes, found: re.Match[str]) -> bool:
    return hmac.compare_digest(_pbkdf2(secret, found).hex(), found["checksum"])


def _verify_werkzeug_scrypt(secret: bytes, found: re.Match[str]) -> bool:
    key = hashlib.scrypt(
        never_nul(secret),
        salt=found["salt"].encode(),
        n=int(found["n"]),
        r=int(found["r"]),
        p=int(found["p"]),
        maxmem=_scrypt_memory(found),
    )
    return hmac.compare_digest(key.hex(), found["checksum"])


def _verify_django_pbkdf2(secret: bytes, found: re.Match[str]) -> bool:
    return hmac.compare_digest(b64encode(_pbkdf2(secret, found)).decode(), found["checksum"])


def _verify_django_bcrypt_sha256(secret: bytes, found: re.Match[str]) -> bool:
    return bool(bcrypt.verify(hashlib.sha256(secret).hexdigest(), found["hash"]))


LEGACY_SCHEMES: Final = (
    ForeignScheme(
        pattern=re.compile(
            r"pbkdf2:(?P<digest>sha1|sha224|sha256|sha384|sha512):(?P<iterations>[0-9]{1,20})"
            rf"\${_SALT}\$(?P<checksum>[0-9a-f]+)"
        ),
        affordable=_pbkdf2_affordable,
        sound=_werkzeug_pbkdf2_sound,
        verify=_verify_werkzeug_pbkdf2,
    ),
    ForeignScheme(
        pattern=re.compile(
            r"scrypt:(?P<n>[0-9]{1,20}):(?P<r>[0-9]{1,20}):(?P<p>[0-9]{1,20})"
            rf"\${_SALT}\$(?P<checksum>[0-9a-f]+)"
        ),
        affordable=_scrypt_affordable,
        sound=_scrypt_sound,
        verify=_verify_werkzeug_scrypt,
    ),
    ForeignScheme(
        pattern=re.compile(
            r"pbkdf2_(?P<digest>sha1|sha256)\$(?P<iterations>[0-9]{1,20})"
            rf"\${_SALT}\$(?P<checksum>[A-Za-z0-9+/]+=*)"
        ),
        affordable=_pbkdf2_affordable,
        sound=_django_pbkdf2_sound,
        verify=_verify_django_pbkdf2,
    ),
    ForeignScheme(
        pattern=re.compile(rf"bcrypt_sha256\${BCRYPT}"),
        affordable=bcrypt_affordable,
        sound=bcrypt_sound,
        verify=_verify_django_bcrypt_sha256,
    ),
)
