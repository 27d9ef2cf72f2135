"""A setting that is misspelled is named, wherever it stands."""

from pathlib import Path

import pytest

from auth_service.cli.misspellings import unknown_variables


def test_the_environment_and_the_env_file_are_looked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AUTH_ISUER", "x")
    monkeypatch.setenv("AUTH_ISSUER", "https://auth.example.com")
    monkeypatch.setenv("AUTHOR", "somebody")
    Path(".env").write_text("AUTH_ACESS_TOKEN_TTL=3\nauth_workers=2\n", encoding="utf-8")
    assert unknown_variables() == ["AUTH_ACESS_TOKEN_TTL", "AUTH_ISUER"]


def test_a_file_that_is_no_text_is_left_to_the_settings_to_name() -> None:
    Path(".env").write_bytes(b"AUTH_ISSUER=\xff\n")
    assert unknown_variables() == []


def test_the_folder_of_secrets_is_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("auth_secret_key", "auth_secret_keys", "postgres_password"):
        (secrets / name).touch()
    monkeypatch.setenv("AUTH_SECRETS_DIR", str(secrets))
    assert unknown_variables() == ["AUTH_SECRET_KEY"]
