"""The app as it is put together, and how it starts."""

import gc
from pathlib import Path

import pytest

from auth_service.app import SchemaNotAtHeadError, create_app, create_worker_app
from auth_service.db import schema
from auth_service.setting_sources import SettingsError
from auth_service.settings import Settings
from tests.conftest import client_of, settings_for


def production_settings(url: str) -> Settings:
    return Settings(
        environment="production",
        issuer="https://auth.example.com",
        secret_keys=["0123456789abcdefghijklmnopqrstuvwxyz"],
        database_url=url,
        mail_url="smtp://127.0.0.1:1",
    )


def test_without_settings_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_ISSUER", "https://auth.example.com")
    assert create_app().state.settings.issuer == "https://auth.example.com"


def test_an_environment_that_cannot_be_used_makes_no_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_LOG_LEVEL", "loud")
    with pytest.raises(SettingsError, match="AUTH_LOG_LEVEL must be"):
        create_app()


def test_making_the_app_connects_to_nothing(tmp_path: Path) -> None:
    create_app(settings_for(f"sqlite+aiosqlite:///{tmp_path}/untouched.db"))
    assert not (tmp_path / "untouched.db").exists()


def test_the_openapi_document_is_generated_once(sqlite_url: str) -> None:
    app = create_app(settings_for(sqlite_url))
    assert app.openapi() is app.openapi()
    assert "Problem" in app.openapi()["components"]["schemas"]


async def test_outside_production_a_start_migrates(tmp_path: Path) -> None:
    app = create_app(settings_for(f"sqlite+aiosqlite:///{tmp_path}/new.db"))
    async with app.router.lifespan_context(app):
        assert await schema.current_revision(app.state.database.engine) == schema.HEAD


@pytest.mark.postgresql
async def test_in_production_a_start_never_migrates(empty_postgresql_url: str) -> None:
    app = create_app(production_settings(empty_postgresql_url))
    with pytest.raises(SchemaNotAtHeadError, match="the schema is at nothing"):
        async with app.router.lifespan_context(app):
            pass
    try:
        assert await schema.current_revision(app.state.database.engine) is None
    finally:
        await app.state.database.close()


async def test_a_lost_database_is_no_reason_not_to_start() -> None:
    app = create_app(settings_for("postgresql://root@127.0.0.1:1/auth"))
    async with app.router.lifespan_context(app), client_of(app) as http:
        assert (await http.get("/healthz")).status_code == 200
        not_ready = await http.get("/readyz")
        assert (not_ready.status_code, not_ready.json()["code"]) == (503, "not_ready")


@pytest.mark.parametrize(("token", "status"), [(None, 404), ("token", 200)])
async def test_metrics_exist_only_with_a_token(
    sqlite_url: str, token: str | None, status: int
) -> None:
    app = create_app(settings_for(sqlite_url, metrics_token=token))
    async with app.router.lifespan_context(app), client_of(app) as http:
        answer = await http.get("/metrics", headers={"Authorization": "Bearer token"})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("origins", "allowed"), [([], None), (["https://app.example.com"], "https://app.example.com")]
)
async def test_other_origins_are_answered_only_where_named(
    sqlite_url: str, origins: list[str], allowed: str | None
) -> None:
    app = create_app(settings_for(sqlite_url, cors_origins=origins))
    async with app.router.lifespan_context(app), client_of(app) as http:
        answer = await http.get("/healthz", headers={"Origin": "https://app.example.com"})
        assert answer.headers.get("access-control-allow-origin") == allowed


def test_what_a_worker_is_made_of_is_no_garbage() -> None:
    try:
        assert create_worker_app().title
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
