"""The types that settings have, and how their text is read."""

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values
from limits import parse_many
from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

LOOPBACK_ORIGIN: Final = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
_SSLMODE: Final = re.compile(r"([?&])sslmode=")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_LONGEST: Final = timedelta(days=3653)
_SHORTEST_RETENTION: Final = timedelta(days=7)
Network = IPv4Network | IPv6Network


class Environment(StrEnum):
    """Where the service runs: how strict it is follows from it."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class JwtAlgorithm(StrEnum):
    """How access tokens are signed (RFC 7518 section 3)."""

    ES256 = "ES256"
    RS256 = "RS256"


class PasswordScheme(StrEnum):
    """How new passwords are hashed."""

    BCRYPT_SHA256 = "bcrypt_sha256"
    ARGON2ID = "argon2id"


class Registration(StrEnum):
    """Who may make an account, and what the answer tells."""

    OPEN = "open"
    PRIVATE = "private"
    CLOSED = "closed"


class DocsAccess(StrEnum):
    """Who may read the description of the API."""

    ON = "on"
    OFF = "off"
    ADMIN = "admin"


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    CONSOLE = "console"


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _seconds(value: object) -> object:
    """A bare number is seconds; everything else is left to pydantic (ISO 8601)."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return value


def parts_of(url: str) -> SplitResult:
    """The parts of a URL; the message of what is none never repeats it, for it may hold secrets."""
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("is not a URL") from None


def url_without_slash(value: str) -> str:
    """An http or https URL, without the slash at its end."""
    parts = parts_of(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must be an http or https URL, such as https://auth.example.com")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or a fragment")
    return value.rstrip("/")


def _positive_duration(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than nothing")
    if value > _LONGEST:
        raise ValueError("must be ten years at most")
    return value


def _not_negative_duration(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("must not be negative")
    return value


def _retention(value: timedelta) -> timedelta:
    if value and value < _SHORTEST_RETENTION:
        raise ValueError("must be 0 (keep everything) or at least 604800 (seven days)")
    return value


def _networks(value: object) -> object:
    if isinstance(value, list | tuple):
        return [ip_network(part, strict=False) if isinstance(part, str) else part for part in value]
    return value


def _rate_limit(value: str) -> str:
    try:
        parse_many(value)
    except ValueError as fault:
        raise ValueError("must be limits such as 5/minute or 200/day;50/hour") from fault
    return value


def _log_level(value: str) -> str:
    if value.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError("must be debug, info, warning or error")
    return value.lower()


def has_valid_port(url: str) -> bool:
    """Whether the URL has no port, or one that is a number from 0 to 65535."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True


def _redis_url(value: str) -> str:
    if parts_of(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must start with redis://, rediss:// or unix://")
    if not has_valid_port(value):
        raise ValueError("must have a number from 0 to 65535 as its port")
    return value


def database_url_of(value: str) -> str:
    """A database URL with the driver that the service uses, whatever its scheme is spelled like."""
    scheme = parts_of(value).scheme
    if scheme in {"postgres", "postgresql"}:
        value = "postgresql+asyncpg" + value.removeprefix(scheme)
        # libpq and most hosting companies say `sslmode`, asyncpg says `ssl`.
        value = _SSLMODE.sub(r"\1ssl=", value)
    elif scheme == "sqlite":
        value = "sqlite+aiosqlite" + value.removeprefix(scheme)
    elif scheme not in {"postgresql+asyncpg", "sqlite+aiosqlite"}:
        raise ValueError("must start with postgresql+asyncpg:// or sqlite+aiosqlite://")
    if not has_valid_port(value):
        raise ValueError("must have a number from 0 to 65535 as its port")
    return value


def is_origin(value: str) -> bool:
    """Whether this is an http or https origin (RFC 6454), such as ``https://app.example.com``."""
    parts = parts_of(value)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not parts.path


@dataclass(frozen=True, slots=True)
class AllowedOrigins:
    """The origins whose pages may call this service with a person's credentials (CORS).

    ``loopback`` admits every port of this machine: development servers of frontends.
    """

    listed: frozenset[str]
    loopback: bool = False

    def allows(self, origin: str) -> bool:
        """Whether an ``Origin`` header names one of them; the wildcard names nobody here."""
        return origin in self.listed or (
            self.loopback and LOOPBACK_ORIGIN.fullmatch(origin) is not None
        )


NO_ORIGINS: Final = AllowedOrigins(frozenset())


def is_loopback_host(host: str) -> bool:
    """Whether a host is this machine itself: ``localhost``, 127.0.0.0/8 or ::1."""
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def is_blank_in_environment(name: str) -> bool:
    """Whether a variable is set to nothing, in the environment or else in ``.env``."""
    value = os.environ.get(name)
    if value is None:
        try:
            value = dotenv_values(".env").get(name)
        except UnicodeDecodeError:
            return False  # `Settings.load` says what is wrong with the file
    return value is not None and not value.strip()


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_comma_separated)]
Networks = Annotated[
    list[Network], NoDecode, BeforeValidator(_networks), BeforeValidator(_comma_separated)
]
Url = Annotated[str, AfterValidator(url_without_slash)]
OptionalUrl = Annotated[
    str, AfterValidator(lambda value: url_without_slash(value) if value else value)
]
Duration = Annotated[timedelta, AfterValidator(_positive_duration), BeforeValidator(_seconds)]
OptionalDuration = Annotated[
    timedelta, AfterValidator(_not_negative_duration), BeforeValidator(_seconds)
]
Retention = Annotated[
    timedelta,
    AfterValidator(_retention),
    AfterValidator(_not_negative_duration),
    BeforeValidator(_seconds),
]
OptionalRedisUrl = Annotated[str, AfterValidator(_redis_url)] | None
RateLimit = Annotated[str, AfterValidator(_rate_limit)]
LogLevel = Annotated[str, AfterValidator(_log_level)]
