"""Settings that production accepts although they weaken it."""

from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, urlsplit

from auth_service.mail_settings import Encryption, SmtpServer
from auth_service.setting_types import is_loopback_host
from auth_service.settings import Settings

_FEWEST_BCRYPT_ROUNDS = 10
_SHORTEST_PASSWORD = 8
_SHORTEST_METRICS_TOKEN = 16
_POSTGRESQL_WITH_TLS = {"require", "verify-ca", "verify-full", "true"}


def warnings_of(settings: Settings) -> list[str]:
    """A line for each setting that is allowed but dangerous in production; none elsewhere.

    No line repeats a value that may be secret.
    """
    return list(_warnings(settings)) if settings.production else []


def _warnings(settings: Settings) -> Iterator[str]:
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        yield "AUTH_TRUSTED_PROXIES trusts every address: anybody can claim any client address"
    if settings.bcrypt_rounds < _FEWEST_BCRYPT_ROUNDS:
        yield f"AUTH_BCRYPT_ROUNDS is under {_FEWEST_BCRYPT_ROUNDS}: stolen hashes are guessed fast"
    if settings.password_min_length < _SHORTEST_PASSWORD:
        yield f"AUTH_PASSWORD_MIN_LENGTH is under {_SHORTEST_PASSWORD} (NIST SP 800-63B)"
    if any(urlsplit(origin).scheme == "http" for origin in settings.cors_origins):
        yield "AUTH_CORS_ORIGINS has an http origin: whoever is on the network can change its pages"
    if urlsplit(settings.frontend_url).scheme == "http":
        yield "AUTH_FRONTEND_URL is http: mailed tokens can be read on the network"
    if (
        settings.metrics_token is not None
        and len(settings.metrics_token.get_secret_value()) < _SHORTEST_METRICS_TOKEN
    ):
        yield f"AUTH_METRICS_TOKEN is under {_SHORTEST_METRICS_TOKEN} characters"
    yield from _mail_warnings(settings)
    yield from _database_warnings(urlsplit(settings.database_url))
    if settings.redis_url is not None:
        yield from _redis_warnings(urlsplit(settings.redis_url))


def _mail_warnings(settings: Settings) -> Iterator[str]:
    server = SmtpServer.of(settings.mail_url)
    if server.encryption is Encryption.NONE and not is_loopback_host(server.host):
        sent = "the password and every mail are" if server.password else "every mail is"
        yield f"AUTH_MAIL_URL has no TLS (smtps:// or ?starttls=true): {sent} sent in clear"


def _database_warnings(url: SplitResult) -> Iterator[str]:
    options = parse_qs(url.query)
    host = url.hostname or options.get("host", [""])[0]
    if not host or host.startswith("/"):
        return  # a Unix socket, which its permissions protect
    if not url.password and not options.get("password"):
        yield "AUTH_DATABASE_URL has no password"
    if options.get("ssl", [""])[-1] not in _POSTGRESQL_WITH_TLS and not is_loopback_host(host):
        yield "AUTH_DATABASE_URL does not demand TLS (?ssl=verify-full): it can be read and changed"


def _redis_warnings(url: SplitResult) -> Iterator[str]:
    if url.scheme == "unix":
        return
    if not url.password and not parse_qs(url.query).get("password"):
        yield "AUTH_REDIS_URL has no password: whoever reaches it can reset every limit"
    if url.scheme == "redis" and not is_loopback_host(url.hostname or "localhost"):
        yield "AUTH_REDIS_URL has no TLS (rediss://)"
