"""Production names settings that are allowed but dangerous."""

from typing import Any

import pytest

from auth_service.setting_warnings import warnings_of
from auth_service.settings import Settings

SAFE = {
    "environment": "production",
    "issuer": "https://auth.example.com",
    "secret_keys": "x" * 32,
    "database_url": "postgresql+asyncpg://auth:hunter2@db/auth?ssl=verify-full",
    "redis_url": "rediss://:hunter2@redis/0",
    "mail_url": "smtp://auth:hunter2@mail?starttls=true",
    "metrics_token": "0123456789abcdef",
    "cors_origins": "https://app.example.com",
}
DANGERS: dict[str, dict[str, Any]] = {
    "AUTH_TRUSTED_PROXIES trusts every address": {"trusted_proxies": "10.0.0.0/8,0.0.0.0/0"},
    "AUTH_BCRYPT_ROUNDS is under 10": {"bcrypt_rounds": 9},
    "AUTH_PASSWORD_MIN_LENGTH is under 8": {"password_min_length": 7},
    "AUTH_CORS_ORIGINS has an http origin": {"cors_origins": "http://app.example.com"},
    "AUTH_FRONTEND_URL is http": {"frontend_url": "http://app.example.com"},
    "AUTH_METRICS_TOKEN is under 16": {"metrics_token": "0123456789abcde"},
    "the password and every mail are sent in clear": {"mail_url": "smtp://auth:hunter2@mail"},
    "every mail is sent in clear": {"mail_url": "smtp://mail"},
    "AUTH_DATABASE_URL has no password": {"database_url": "postgresql://auth@db/a?ssl=require"},
    "AUTH_DATABASE_URL does not demand TLS": {
        "database_url": "postgresql://auth:x@db/a?ssl=prefer"
    },
    "AUTH_REDIS_URL has no password": {"redis_url": "rediss://redis/0"},
    "AUTH_REDIS_URL has no TLS": {"redis_url": "redis://:hunter2@redis/0"},
}
SAFE_TOO: list[dict[str, Any]] = [
    {},
    {"redis_url": None},
    {"redis_url": "unix:///run/redis.sock"},
    {"redis_url": "redis://:hunter2@127.0.0.1/0"},
    {"database_url": "postgresql://auth:hunter2@localhost/auth"},
    {"database_url": "postgresql:///auth?host=/run/postgresql"},
    {"mail_url": "smtp://localhost"},
]


@pytest.mark.parametrize("danger", DANGERS)
def test_each_danger_is_named_without_secrets(danger: str) -> None:
    [warning] = warnings_of(Settings(**(SAFE | DANGERS[danger])))
    assert danger in warning
    assert "hunter2" not in warning


@pytest.mark.parametrize("changes", SAFE_TOO)
def test_what_is_safe_is_not_named(changes: dict[str, Any]) -> None:
    assert warnings_of(Settings(**(SAFE | changes))) == []


def test_development_is_not_warned() -> None:
    assert warnings_of(Settings(_env_file=None, bcrypt_rounds=4, mail_url="smtp://mail")) == []
