"""Settings: read once, checked as a whole, and never telling a secret."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from auth_service import settings as settings_module
from auth_service.development_secret import DEVELOPMENT_SECRET_FILE
from auth_service.setting_sources import SettingsError
from auth_service.setting_types import Environment
from auth_service.settings import (
    Settings,
    parsed_limits,
)

PRODUCTION = {
    "environment": "production",
    "issuer": "https://auth.example.com",
    "secret_keys": "x" * 32,
    "database_url": "postgresql+asyncpg://auth:hunter2@db/auth",
    "mail_url": "smtp://auth:hunter2@mail",
}
PRODUCTION_FAULTS: dict[str, dict[str, Any]] = {
    "AUTH_SECRET_KEYS is missing: set it to what `auth-service secret` prints": {"secret_keys": ""},
    "AUTH_SECRET_KEYS has a secret under 32 characters": {"secret_keys": "x" * 32 + "," + "y" * 31},
    "AUTH_DATABASE_URL must be PostgreSQL in production, not SQLite": {
        "database_url": "sqlite:///auth.db"
    },
    "AUTH_ISSUER must be https in production": {"issuer": "http://auth.example.com"},
    "AUTH_COOKIE_SECURE must be true in production": {"cookie_secure": False},
    "AUTH_CORS_ORIGINS must not be * in production: name the origins": {
        "cors_origins": "https://app.example.com,*"
    },
    "AUTH_WORKERS more than one needs AUTH_REDIS_URL in production, for shared limits": {
        "workers": 2
    },
    "AUTH_MAIL_URL must be smtp:// or smtps:// in production, not console://": {
        "mail_url": "console://"
    },
}


def faults_of(**values: Any) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        Settings.load(**values)
    return str(refused.value).splitlines()


# --- Defaults ---


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = Settings.load()
    assert settings.environment is Environment.DEVELOPMENT
    assert settings.database_url == "sqlite+aiosqlite:///./auth.db"
    assert settings.issuer == "http://localhost:8000"
    assert settings.access_token_ttl == timedelta(minutes=15)
    assert settings.session_idle_ttl == timedelta(days=14)
    assert settings.session_max_ttl == timedelta(days=30)
    assert settings.refresh_grace == timedelta(seconds=10)
    assert settings.reset_ttl == timedelta(minutes=30)
    assert settings.verify_ttl == timedelta(hours=24)
    assert settings.password_min_length == 8
    assert settings.bcrypt_rounds == 12
    assert settings.mail_url == "console://"


def test_audience_and_frontend_are_the_issuer_unless_they_are_named() -> None:
    settings = Settings.load(issuer="https://auth.example.com/")
    assert settings.issuer == settings.audience == settings.frontend_url
    assert settings.issuer == "https://auth.example.com"
    named = Settings.load(audience="orders", frontend_url="https://app.example.com/")
    assert (named.audience, named.frontend_url) == ("orders", "https://app.example.com")


@pytest.mark.parametrize(
    ("environment", "secure"), [("development", False), ("test", True), ("production", True)]
)
def test_cookies_are_secure_except_in_development(environment: str, secure: bool) -> None:  # noqa: FBT001 - a parameter of the test
    settings = Settings.load(**(PRODUCTION | {"environment": environment}))
    assert settings.cookie_secure is secure


def test_hashing_has_a_thread_a_core() -> None:
    assert Settings.load().hashing_threads == os.cpu_count()


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.load().workers = 2  # type: ignore[misc]  # what is tried here


def test_the_origin_of_the_issuer_has_no_path_and_no_capitals() -> None:
    assert Settings.load(issuer="https://Auth.example.com/id").issuer_origin == (
        "https://auth.example.com"
    )


# --- Production ---


def test_production_starts_where_nothing_is_amiss() -> None:
    settings = Settings.load(**PRODUCTION)
    assert settings.production
    assert not settings.sqlite
    assert settings.cookie_secure is True


@pytest.mark.parametrize("fault", PRODUCTION_FAULTS)
def test_production_refuses_to_start_on_each_fault_alone(fault: str) -> None:
    assert faults_of(**(PRODUCTION | PRODUCTION_FAULTS[fault])) == [fault]


@pytest.mark.parametrize("fault", PRODUCTION_FAULTS)
def test_development_starts_in_spite_of_it(fault: str) -> None:
    changes = PRODUCTION | PRODUCTION_FAULTS[fault] | {"environment": "development"}
    assert not Settings.load(**changes).production


def test_production_names_every_fault_at_once() -> None:
    wrong = {name: value for fault in PRODUCTION_FAULTS.values() for name, value in fault.items()}
    named = {line.split()[0] for line in faults_of(**(PRODUCTION | wrong))}
    assert named == {fault.split()[0] for fault in PRODUCTION_FAULTS}


def test_production_serves_with_several_workers_where_they_share_redis() -> None:
    assert Settings.load(**PRODUCTION, workers=2, redis_url="redis://cache").workers == 2


def test_bare_production_needs_what_an_operator_has_to_decide() -> None:
    assert {line.split()[0] for line in faults_of(environment="production")} == {
        "AUTH_ISSUER",
        "AUTH_SECRET_KEYS",
        "AUTH_DATABASE_URL",
        "AUTH_MAIL_URL",
    }


# --- Where they are read ---


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_ISSUER", "https://auth.example.com")
    assert Settings.load().issuer == "https://auth.example.com"


def test_dotenv_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("AUTH_WORKERS=3\nAUTH_BCRYPT_ROUNDS=5\nOTHER=1\n")
    monkeypatch.setenv("AUTH_BCRYPT_ROUNDS", "6")
    settings = Settings.load()
    assert (settings.workers, settings.bcrypt_rounds) == (3, 6)


def test_a_dotenv_that_is_not_utf_8_is_refused_without_being_repeated() -> None:
    Path(".env").write_bytes(b"AUTH_SECRET_KEYS=hunter2\xff")
    assert faults_of() == [".env is not UTF-8"]


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields.keys() - {"environment"}:
        monkeypatch.setenv(f"AUTH_{name.upper()}", "")
    assert Settings.load() == Settings()


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_environment_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Development is the default, so a variable that was meant to be filled in would weaken."""
    monkeypatch.setenv("AUTH_ENVIRONMENT", value)
    [fault] = faults_of()
    assert fault.startswith("AUTH_ENVIRONMENT is empty: ")


def test_an_empty_environment_in_the_file_is_refused() -> None:
    Path(".env").write_text("AUTH_ENVIRONMENT=\n")
    [fault] = faults_of()
    assert fault.startswith("AUTH_ENVIRONMENT is empty: ")


# --- Files of secrets ---


@pytest.fixture
def secrets_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    monkeypatch.setenv("AUTH_SECRETS_DIR", str(secrets))
    return secrets


def test_a_mounted_secret_is_a_setting(secrets_folder: Path) -> None:
    (secrets_folder / "auth_secret_keys").write_text("new,old\n")
    (secrets_folder / "AUTH_METRICS_TOKEN").write_text("0123456789abcdef\n")
    settings = Settings.load()
    assert settings.secret_keys == ["new", "old"]
    assert settings.metrics_token is not None
    assert settings.metrics_token.get_secret_value() == "0123456789abcdef"


def test_a_variable_wins_over_a_mounted_secret(
    secrets_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (secrets_folder / "auth_secret_keys").write_text("mounted")
    monkeypatch.setenv("AUTH_SECRET_KEYS", "variable")
    assert Settings.load().secret_keys == ["variable"]


def test_the_folder_of_secrets_can_stand_in_the_file(secrets_folder: Path) -> None:
    (secrets_folder / "auth_secret_keys").write_text("mounted")
    os.environ.pop("AUTH_SECRETS_DIR")
    Path(".env").write_text(f"AUTH_SECRETS_DIR={secrets_folder}\n")
    assert Settings.load().secret_keys == ["mounted"]


def test_a_folder_of_secrets_that_is_not_there_is_a_fault(secrets_folder: Path) -> None:
    secrets_folder.rmdir()
    assert faults_of() == ["AUTH_SECRETS_DIR must be a folder that exists"]


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_SECRET_KEYS", " new , old ,")
    monkeypatch.setenv("AUTH_TRUSTED_PROXIES", "10.0.0.1/8, ::1")
    monkeypatch.setenv("AUTH_CORS_ORIGINS", "https://a.example, https://b.example:8443")
    settings = Settings.load()
    assert settings.secret_keys == ["new", "old"]
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert settings.cors_origins == ["https://a.example", "https://b.example:8443"]


def test_lists_may_be_given_as_such() -> None:
    proxies = Settings.load(trusted_proxies="10.0.0.0/8").trusted_proxies
    settings = Settings.load(cors_origins=["*"], trusted_proxies=proxies)
    assert (settings.cors_origins, settings.trusted_proxies) == (["*"], proxies)


# --- Values ---


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), (" 7 ", 7), ("0.05", 0.05), ("PT1M30S", 90), ("P14D", 1209600), ("PT0.5S", 0.5)],
)
def test_a_duration_is_seconds_or_iso_8601(
    monkeypatch: pytest.MonkeyPatch, text: str, seconds: float
) -> None:
    monkeypatch.setenv("AUTH_REDIS_TIMEOUT", text)
    assert Settings.load().redis_timeout == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["0", "-5", "-0.5", "-PT5S", "PT0S"])
def test_a_duration_that_is_nothing_or_less_is_refused(text: str) -> None:
    assert faults_of(access_token_ttl=text) == ["AUTH_ACCESS_TOKEN_TTL must be longer than nothing"]


def test_events_are_kept_for_a_week_or_for_ever() -> None:
    message = "AUTH_AUDIT_RETENTION must be 0 (keep everything) or at least 604800 (seven days)"
    assert faults_of(audit_retention="604799") == [message]
    assert Settings.load(audit_retention="604800").audit_retention == timedelta(days=7)
    assert Settings.load(audit_retention="0").audit_retention == timedelta(0)


def test_the_grace_may_be_nothing_but_not_less() -> None:
    assert Settings.load(refresh_grace="0").refresh_grace == timedelta(0)
    assert faults_of(refresh_grace="-1") == ["AUTH_REFRESH_GRACE must not be negative"]


@pytest.mark.parametrize("text", ["soon", "10 s", "nan", "inf", "1e3", "9" * 40])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    assert faults_of(reset_ttl=text)[0].startswith("AUTH_RESET_TTL ")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgres://u@h/d?x=1&sslmode=require", "postgresql+asyncpg://u@h/d?x=1&ssl=require"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("sqlite:///a.db", "sqlite+aiosqlite:///a.db"),
        ("sqlite+aiosqlite:///a.db", "sqlite+aiosqlite:///a.db"),
    ],
)
def test_a_database_url_gets_the_driver_that_is_used(given: str, used: str) -> None:
    assert Settings.load(database_url=given).database_url == used


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("database_url", "mysql://h/d", "must start with postgresql+asyncpg:// or"),
        ("database_url", "postgresql+psycopg://h/d", "must start with postgresql+asyncpg:// or"),
        ("database_url", "postgresql://[h/d", "is not a URL"),
        ("database_url", "postgresql://h:port/d", "must have a number from 0 to 65535"),
        ("redis_url", "redis://:pw@h:port/0", "must have a number from 0 to 65535"),
        ("session_max_ttl", "P9999999D", "must be ten years at most"),
        ("issuer", "auth.example.com", "must be an http or https URL"),
        ("issuer", "https://auth.example.com/?a=b", "must not have a query or a fragment"),
        ("issuer", "https://auth.example.com/#a", "must not have a query or a fragment"),
        ("frontend_url", "ftp://app.example.com", "must be an http or https URL"),
        ("redis_url", "http://cache", "must start with redis://, rediss:// or unix://"),
        ("mail_url", "mailto:me", "must start with console://, smtp:// or smtps://"),
        ("cors_origins", "https://app.example.com/", "must be origins such as"),
        ("cors_origins", "app.example.com", "must be origins such as"),
        ("cors_origins", "null", "must be origins such as"),
        ("trusted_proxies", "10.0.0.0/99", "'10.0.0.0/99' does not appear to be"),
        ("trusted_proxies", 10, "Input should be a valid list"),
        ("rate_limit_login", "many", "must be limits such as 5/minute or 200/day;50/hour"),
        ("log_level", "loud", "must be debug, info, warning or error"),
        ("environment", "staging", "Input should be 'development', 'test' or 'production'"),
        ("bcrypt_rounds", "3", "Input should be greater than or equal to 4"),
        ("password_min_length", "257", "Input should be less than or equal to 256"),
        ("database_pool_size", "0", "Input should be greater than 0"),
        ("hashing_queue", "-1", "Input should be greater than or equal to 0"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_the_reason(
    name: str, value: object, reason: str
) -> None:
    (line,) = faults_of(**{name: value})
    assert line.startswith(f"AUTH_{name.upper()} {reason}")


def test_a_log_level_may_be_shouted() -> None:
    assert Settings.load(log_level="WARNING").log_level == "warning"


def test_limits_are_read_in_the_notation_of_the_library() -> None:
    assert [str(limit) for limit in parsed_limits("200/day;50/hour")] == [
        "200 per 1 day",
        "50 per 1 hour",
    ]


# --- Secrets ---

SECRETS = {
    "secret_keys": "hunter2-secret-keys",
    "database_url": "postgresql://auth:hunter2-database@db/auth",
    "redis_url": "redis://:hunter2-redis@cache",
    "mail_url": "smtp://auth:hunter2-mail@mail",
    "metrics_token": "hunter2-metrics",
}


def test_no_secret_is_shown_by_a_representation() -> None:
    settings = Settings.load(**SECRETS)
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret_keys", "hunter2"),
        ("database_url", "mysql://auth:hunter2@db/auth"),
        ("database_url", "postgresql://auth:hunter2℀@db/auth"),
        ("database_url", "postgresql://auth:hunter2@[db/auth"),
        ("redis_url", "http://:hunter2@cache"),
        ("redis_url", "redis://:hunter2℀@cache"),
        ("mail_url", "imap://auth:hunter2@mail"),
        ("mail_url", "smtp://auth:hunter2℀@mail"),
    ],
)
def test_no_message_repeats_a_secret(name: str, value: str) -> None:
    lines = faults_of(**(PRODUCTION | {name: value}))
    assert lines
    assert not any("hunter2" in line for line in lines)


def test_even_pydantic_s_own_error_does_not_repeat_a_secret() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(database_url="mysql://auth:hunter2@db/auth")
    assert "hunter2" not in str(refused.value)


def test_a_refusal_does_not_carry_what_was_given_along() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load(database_url="mysql://auth:hunter2@db/auth")
    assert refused.value.__suppress_context__


# --- The secret that development makes ---


def test_configured_secrets_are_used_as_they_are() -> None:
    settings = Settings.load(secret_keys="one")
    assert settings.with_secret() is settings
    assert not DEVELOPMENT_SECRET_FILE.exists()


def test_development_makes_a_secret_once_and_keeps_it() -> None:
    first = Settings.load().with_secret()
    second = Settings.load().with_secret()
    assert first.secret_keys == second.secret_keys
    assert len(first.secret_keys[0]) >= settings_module.MINIMUM_SECRET_LENGTH
    assert list(Path().iterdir()) == [DEVELOPMENT_SECRET_FILE]


def test_only_the_owner_can_read_the_kept_secret() -> None:
    Settings.load().with_secret()
    assert stat.S_IMODE(DEVELOPMENT_SECRET_FILE.stat().st_mode) == 0o600


def test_threads_that_start_together_have_the_same_secret() -> None:
    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(lambda _: Settings.load().with_secret().secret_keys[0], range(20)))
    assert len(set(made)) == 1
    assert list(Path().iterdir()) == [DEVELOPMENT_SECRET_FILE]


def test_processes_that_start_together_have_the_same_secret() -> None:
    program = (
        "from auth_service.settings import *; print(*Settings.load().with_secret().secret_keys)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(settings_module.__file__).parents[1])},
        )
        for _ in range(6)
    ]
    made = {process.communicate(timeout=60)[0] for process in started}
    assert made == {DEVELOPMENT_SECRET_FILE.read_bytes()}


def test_whoever_loses_the_race_for_the_secret_uses_the_winner_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    DEVELOPMENT_SECRET_FILE.write_text("the winner's\n")
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert Settings.load().with_secret().secret_keys == ["the winner's"]
    assert list(Path().iterdir()) == [DEVELOPMENT_SECRET_FILE]
