"""An account as its owner sees it."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from auth_service.users.account import Account
from auth_service.web.fields import Moment


class UserAnswer(BaseModel):
    """An account."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "019b17d7-0dac-7549-bd4f-3506907d1583",
                    "email": "ada@example.com",
                    "email_verified": False,
                    "roles": ["user"],
                    "created_at": "2026-11-23T12:00:00.000000Z",
                    "last_login_at": "2026-11-23T12:30:00.000000Z",
                }
            ]
        },
    )

    id: UUID
    email: str
    email_verified: bool
    roles: list[str]
    created_at: Moment
    last_login_at: Moment | None

    @classmethod
    def of(cls, account: Account) -> "UserAnswer":
        """The answer for an account."""
        return cls.model_validate(account)
