"""Where settings come from: arguments, the environment, ``.env``, and files of secrets."""

from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from auth_service.setting_types import is_blank_in_environment


class SettingsError(Exception):
    """The settings cannot be used; the message names every fault, one a line."""


class LayeredSettings(BaseSettings):
    """Settings from all sources, refused with one line for each fault."""

    model_config = SettingsConfigDict(
        env_prefix="AUTH_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - see below
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, over ``.env``, over files of ``AUTH_SECRETS_DIR``.

        pydantic-settings takes the folder from the code only; here it is a setting itself.
        """
        sources = init_settings, env_settings, dotenv_settings
        folder = next((found for source in sources if (found := source().get("secrets_dir"))), None)
        if folder is None or not Path(folder).is_dir():
            return sources
        return *sources, SecretsSettingsSource(settings_cls, secrets_dir=folder)

    @classmethod
    def load(cls, **overrides: Any) -> Self:  # noqa: ANN401 - whatever a field takes
        """Read the environment, ``.env`` and the files of ``AUTH_SECRETS_DIR``.

        Raises:
            SettingsError: naming every fault, a line each, without any value.
        """
        if is_blank_in_environment("AUTH_ENVIRONMENT"):
            raise SettingsError(
                "AUTH_ENVIRONMENT is empty: set it to development, test or production, "
                "or remove it (development)"
            )
        try:
            return cls(**overrides)
        except ValidationError as fault:
            raise SettingsError(_described(fault)) from None
        except UnicodeDecodeError:
            raise SettingsError(".env is not UTF-8") from None


def _described(fault: ValidationError) -> str:
    lines = []
    for error in fault.errors(include_url=False, include_context=False, include_input=False):
        name = f"AUTH_{str(error['loc'][0]).upper()}" if error["loc"] else "settings"
        lines.append(f"{name} {error['msg'].removeprefix('Value error, ')}")
    return "\n".join(dict.fromkeys(lines))
