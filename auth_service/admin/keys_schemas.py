"""What the administration of signing keys gives."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from auth_service.tokens.signing_key import KeyState, StoredKey
from auth_service.web.fields import Moment
from auth_service.web.pagination import Page


class KeyAnswer(BaseModel):
    """A signing key, without anything private."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "kid": "K6Wm6pXWVrMCRKzoAqmc0X8dg8gVxJkbHx3PPzR3t2Q",
                    "algorithm": "ES256",
                    "state": "active",
                    "created_at": "2026-11-23T12:00:00.000000Z",
                    "signs_from": "2026-11-23T12:06:00.000000Z",
                    "retired_at": None,
                    "published_until": None,
                }
            ]
        },
    )

    kid: str
    algorithm: str
    state: Annotated[
        KeyState, Field(description="Published and not signing yet; signing; verifying still.")
    ]
    created_at: Moment
    signs_from: Annotated[Moment, Field(description="When it signs, or may begin to.")]
    retired_at: Moment | None
    published_until: Moment | None


class KeyPage(Page[KeyAnswer]):
    """Every signing key, the oldest first; there are few, so this is the only page."""

    @classmethod
    def of(cls, keys: list[StoredKey]) -> "KeyPage":
        """The answer for the keys."""
        return cls(items=[KeyAnswer.model_validate(key) for key in keys], next_cursor=None)
