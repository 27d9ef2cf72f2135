"""Settings: read once from ``AUTH_*`` variables and ``.env``, checked as a whole, then passed on.

Every fault is named at once, so that a deployment is corrected in one go. Production is strict;
development and test fill in what a newcomer lacks.
"""

import os
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many
from pydantic import (
    Field,
    PositiveInt,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from auth_service.development_secret import kept_secret
from auth_service.mail_settings import BrandName, MailFrom, MailUrl, OptionalFolder
from auth_service.setting_sources import LayeredSettings
from auth_service.setting_types import (
    AllowedOrigins,
    CommaSeparated,
    DocsAccess,
    Duration,
    Environment,
    JwtAlgorithm,
    LogFormat,
    LogLevel,
    Networks,
    OptionalDuration,
    OptionalRedisUrl,
    OptionalUrl,
    PasswordScheme,
    RateLimit,
    Registration,
    Retention,
    Url,
    database_url_of,
    is_origin,
    url_without_slash,
)

MINIMUM_SECRET_LENGTH: Final = 32


def _in_production(info: ValidationInfo) -> bool:
    return info.data.get("environment") is Environment.PRODUCTION


class Settings(LayeredSettings):
    """All settings, in the order of ``.env.example``.

    The checks for production are field validators on purpose: pydantic collects the faults of all
    fields, so that one start names them all. A field may look at those above it.
    """

    environment: Environment = Environment.DEVELOPMENT
    development_exposed: bool = False
    secrets_dir: OptionalFolder = None
    issuer: Url = "http://localhost:8000"
    audience: str = ""
    frontend_url: str = ""
    secret_keys: Annotated[CommaSeparated, Field(repr=False, default_factory=list)]

    database_url: Annotated[str, Field(repr=False)] = "sqlite+aiosqlite:///./auth.db"
    database_pooler: bool = False
    database_pool_size: PositiveInt = 20
    database_pool_timeout: Duration = timedelta(seconds=5)
    database_connect_timeout: Duration = timedelta(seconds=5)
    database_statement_timeout: Duration = timedelta(seconds=5)
    database_lock_timeout: Duration = timedelta(seconds=3)

    redis_url: Annotated[OptionalRedisUrl, Field(repr=False)] = None
    redis_timeout: Duration = timedelta(seconds=0.2)
    workers: PositiveInt = 1

    cors_origins: Annotated[CommaSeparated, Field(default_factory=list)]
    cookie_secure: bool | None = None
    docs: DocsAccess = DocsAccess.ON
    password_grant: bool | None = None
    trusted_proxies: Annotated[Networks, Field(default_factory=list)]

    jwt_algorithm: JwtAlgorithm = JwtAlgorithm.ES256
    key_rotation_interval: Duration = timedelta(days=90)
    key_check_interval: Duration = timedelta(seconds=30)
    jwks_cache_ttl: Duration = timedelta(minutes=5)
    access_token_ttl: Duration = timedelta(minutes=15)
    session_idle_ttl: Duration = timedelta(days=14)
    session_max_ttl: Duration = timedelta(days=30)
    refresh_grace: OptionalDuration = timedelta(seconds=10)
    reset_ttl: Duration = timedelta(minutes=30)
    verify_ttl: Duration = timedelta(hours=24)
    unverified_ttl: Retention = timedelta(0)

    password_scheme: PasswordScheme = PasswordScheme.BCRYPT_SHA256
    bcrypt_rounds: Annotated[int, Field(ge=4, le=31)] = 12
    password_min_length: Annotated[int, Field(ge=1, le=256)] = 8
    password_words: Annotated[CommaSeparated, Field(default_factory=list)]
    breached_passwords_url: OptionalUrl = ""
    hashing_threads: PositiveInt = Field(default_factory=lambda: os.cpu_count() or 1)
    hashing_queue: Annotated[int, Field(ge=0)] = 32

    registration: Registration = Registration.OPEN
    require_verified_email: bool = False

    rate_limit_login: RateLimit = "5/minute"
    rate_limit_anonymous: RateLimit = "200/day;50/hour"
    rate_limit_refresh: RateLimit = "30/minute"
    rate_limit_user: RateLimit = "600/minute"
    rate_limit_mail: RateLimit = "3/minute;10/hour;30/day"
    rate_limit_mail_address: RateLimit = "20/hour;60/day"

    throttle_network_tries: PositiveInt = 5
    throttle_network_wait: Duration = timedelta(minutes=15)
    throttle_address_tries: PositiveInt = 50
    throttle_address_wait: Duration = timedelta(minutes=1)
    throttle_device_tries: PositiveInt = 10
    throttle_hard_stop: PositiveInt = 100

    mail_url: Annotated[MailUrl, Field(repr=False)] = "console://"
    mail_from: MailFrom = "auth-service@localhost"
    mail_templates: OptionalFolder = None
    brand_name: BrandName = "auth_service"

    audit_seal_interval: Duration = timedelta(seconds=5)
    audit_retention: Retention = timedelta(days=400)

    log_format: LogFormat = LogFormat.CONSOLE
    log_level: LogLevel = "info"
    access_log: bool = True
    metrics_token: SecretStr | None = None
    telemetry: bool = False

    header_timeout: Duration = timedelta(seconds=10)
    body_timeout: Duration = timedelta(seconds=20)
    shutdown_timeout: Duration = timedelta(seconds=30)

    @field_validator("issuer")
    @classmethod
    def _production_issuer_is_https(cls, value: str, info: ValidationInfo) -> str:
        if _in_production(info) and urlsplit(value).scheme != "https":
            raise ValueError("must be https in production")
        return value

    @field_validator("audience")
    @classmethod
    def _audience_is_issuer(cls, value: str, info: ValidationInfo) -> str:
        return value or str(info.data.get("issuer", ""))

    @field_validator("frontend_url")
    @classmethod
    def _frontend_is_issuer(cls, value: str, info: ValidationInfo) -> str:
        return url_without_slash(value) if value else str(info.data.get("issuer", ""))

    @field_validator("secret_keys")
    @classmethod
    def _production_has_secrets(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if _in_production(info):
            if not value:
                raise ValueError("is missing: set it to what `auth-service secret` prints")
            if any(len(secret) < MINIMUM_SECRET_LENGTH for secret in value):
                raise ValueError(f"has a secret under {MINIMUM_SECRET_LENGTH} characters")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_is_supported(cls, value: str, info: ValidationInfo) -> str:
        value = database_url_of(value)
        if _in_production(info) and value.startswith("sqlite"):
            raise ValueError("must be PostgreSQL in production, not SQLite")
        return value

    @field_validator("workers")
    @classmethod
    def _production_workers_share_redis(cls, value: int, info: ValidationInfo) -> int:
        if _in_production(info) and value > 1 and not info.data.get("redis_url"):
            raise ValueError("more than one needs AUTH_REDIS_URL in production, for shared limits")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_origins(cls, value: list[str], info: ValidationInfo) -> list[str]:
        for origin in value:
            if origin == "*":
                if _in_production(info):
                    raise ValueError("must not be * in production: name the origins")
                continue
            if not is_origin(origin):
                raise ValueError("must be origins such as https://app.example.com")
        return value

    @field_validator("password_grant")
    @classmethod
    def _production_has_no_password_grant(
        cls,
        value: bool | None,  # noqa: FBT001 - pydantic calls it by position
        info: ValidationInfo,
    ) -> bool:
        return not _in_production(info) if value is None else value

    @field_validator("cookie_secure")
    @classmethod
    def _production_cookies_are_secure(
        cls,
        value: bool | None,  # noqa: FBT001 - pydantic calls it by position
        info: ValidationInfo,
    ) -> bool:
        if value is None:
            return info.data.get("environment") is not Environment.DEVELOPMENT
        if _in_production(info) and not value:
            raise ValueError("must be true in production")
        return value

    @field_validator("mail_url")
    @classmethod
    def _production_sends_mail(cls, value: str, info: ValidationInfo) -> str:
        if _in_production(info) and value.startswith("console:"):
            raise ValueError("must be smtp:// or smtps:// in production, not console://")
        return value

    @property
    def production(self) -> bool:
        """Whether the strict rules of production hold."""
        return self.environment is Environment.PRODUCTION

    @property
    def development(self) -> bool:
        """Whether what only helps a developer is there."""
        return self.environment is Environment.DEVELOPMENT

    @property
    def has_development_mailbox(self) -> bool:
        """Whether ``/dev/mailbox`` shows the latest mails to the developer's own machine."""
        return self.development and not self.development_exposed

    @property
    def sqlite(self) -> bool:
        """Whether the database is the embedded one."""
        return self.database_url.startswith("sqlite")

    @cached_property
    def issuer_origin(self) -> str:
        """The origin (RFC 6454) that a page served by this service itself has."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @cached_property
    def allowed_origins(self) -> AllowedOrigins:
        """Those of ``AUTH_CORS_ORIGINS``; in development without any, every loopback origin."""
        return AllowedOrigins(
            frozenset(self.cors_origins), loopback=self.development and not self.cors_origins
        )

    def with_secret(self) -> Self:
        """These settings with a secret in any case: outside production one is made and kept.

        Effect: where ``AUTH_SECRET_KEYS`` is empty, ``.auth-secret-keys`` in the working folder is
        read, or made first (mode 0600, by exactly one of many processes).
        """
        if self.secret_keys:
            return self
        return self.model_copy(update={"secret_keys": [kept_secret()]})


def parsed_limits(notation: str) -> list[RateLimitItem]:
    """The limits that a setting such as ``200/day;50/hour`` stands for."""
    return parse_many(notation)
