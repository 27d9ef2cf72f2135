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
from base64 import b64encode
from typing import Final

from passlib.hash import bcrypt

from auth_service.methods.password.schemes import (
    BCRYPT,
    MEMORY_LIMIT,
    ForeignScheme,
    bcrypt_affordable,
    never_nul,
)

_ITERATIONS_LIMIT: Final = 10_000_000
_SALT: Final = r"(?P<salt>[!-#%-~]{1,128})"  # printable ASCII but the dollar sign


def _pbkdf2_affordable(found: re.Match[str]) -> bool:
    return 0 < int(found["iterations"]) <= _ITERATIONS_LIMIT


def _scrypt_memory(found: re.Match[str]) -> int:
    # Werkzeug's own allowance: 128 bytes (RFC 7914 section 2) and some for the library.
    return 132 * int(found["n"]) * int(found["r"]) * int(found["p"])


def _scrypt_affordable(found: re.Match[str]) -> bool:
    # All three factors make the work, so bounding their product bounds the time as well.
    return 0 < _scrypt_memory(found) <= MEMORY_LIMIT


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
            r"pbkdf2:(?P<digest>sha1|sha224|sha256|sha384|sha512):(?P<iterations>[0-9]{1,9})"
            rf"\${_SALT}\$(?P<checksum>[0-9a-f]+)"
        ),
        affordable=_pbkdf2_affordable,
        verify=_verify_werkzeug_pbkdf2,
    ),
    ForeignScheme(
        pattern=re.compile(
            r"scrypt:(?P<n>[0-9]{1,9}):(?P<r>[0-9]{1,9}):(?P<p>[0-9]{1,9})"
            rf"\${_SALT}\$(?P<checksum>[0-9a-f]+)"
        ),
        affordable=_scrypt_affordable,
        verify=_verify_werkzeug_scrypt,
    ),
    ForeignScheme(
        pattern=re.compile(
            r"pbkdf2_(?P<digest>sha1|sha256)\$(?P<iterations>[0-9]{1,9})"
            rf"\${_SALT}\$(?P<checksum>[A-Za-z0-9+/]+=*)"
        ),
        affordable=_pbkdf2_affordable,
        verify=_verify_django_pbkdf2,
    ),
    ForeignScheme(
        pattern=re.compile(rf"bcrypt_sha256\${BCRYPT}"),
        affordable=bcrypt_affordable,
        verify=_verify_django_bcrypt_sha256,
    ),
)
