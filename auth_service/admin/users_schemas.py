"""What the administration of accounts takes and gives."""

import re
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from auth_service.admin.user_change import Disabling, UserChange
from auth_service.core.device import device_name
from auth_service.core.moments import OutOfRangeError, in_range
from auth_service.sessions.repository import ListedSession
from auth_service.users.account import Account
from auth_service.users.directory_repository import Entry
from auth_service.users.roles import (
    MOST_ROLES,
    ROLE_PATTERN,
    ROLES_RULE,
    InvalidRolesError,
    distinct_roles,
)
from auth_service.web.fields import EmailField, Moment, RequestBody
from auth_service.web.pagination import Page, PageRequest

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)
_EXAMPLE: Final[dict[str, Any]] = {
    "id": "019b17d7-0dac-7549-bd4f-3506907d1583",
    "email": "ada@example.com",
    "email_verified": True,
    "roles": ["user"],
    "created_at": "2026-11-23T12:00:00.000000Z",
    "last_login_at": "2026-11-23T12:30:00.000000Z",
    "disabled": False,
    "disabled_at": None,
    "disabled_until": None,
    "locked": False,
}


def _role_names(roles: list[str]) -> list[str]:
    try:
        return distinct_roles(roles)
    except InvalidRolesError as fault:
        raise PydanticCustomError("invalid_role", ROLES_RULE) from fault


def _rfc3339(value: Any) -> Any:  # noqa: ANN401 - whatever was submitted
    """Refuse what else pydantic takes for a time, such as seconds since 1970."""
    if value is not None and not (isinstance(value, str) and _RFC3339.match(value)):
        raise PydanticCustomError("datetime_type", "This is not a time in RFC 3339.")
    return value


def _in_range(value: datetime) -> datetime:
    try:
        return in_range(value)
    except OutOfRangeError as fault:
        raise PydanticCustomError(
            "time_out_of_range", "The time has to be between 1970 and 9999."
        ) from fault


Roles = Annotated[
    list[
        Annotated[str, WithJsonSchema({"type": "string", "pattern": ROLE_PATTERN, "maxLength": 64})]
    ],
    Field(max_length=MOST_ROLES, description="1 to 64 of `a-z 0-9 _ . : -` each."),
    AfterValidator(_role_names),
]
Time = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc3339),
    AfterValidator(_in_range),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "maxLength": 64,
            "description": "A time in RFC 3339, between 1970 and 9999 in UTC.",
        }
    ),
]


class NewUserRequest(RequestBody):
    """A new account. Its owner sets the password, by a link that is mailed to the address."""

    model_config: ClassVar[Any] = {
        "json_schema_extra": {"examples": [{"email": "ada@example.com", "roles": ["user"]}]}
    }

    email: EmailField
    roles: Annotated[Roles, Field(default_factory=lambda: ["user"])]
    email_verified: Annotated[
        StrictBool, Field(description="Whether the address is known to be the owner's.")
    ] = False


class UserChangeRequest(RequestBody):
    """What to change; what is left out stays as it is."""

    model_config: ClassVar[Any] = {
        "json_schema_extra": {"examples": [{"roles": ["user", "editor"]}, {"disabled": True}]}
    }

    roles: Roles | None = None
    disabled: StrictBool | None = None
    disabled_until: Annotated[
        Time | None,
        Field(description="Disabled until this time, which has to come; null: for good."),
    ] = None
    email_verified: StrictBool | None = None

    @model_validator(mode="after")
    def _means_something(self) -> "UserChangeRequest":
        given = self.model_fields_set
        if any(name in given and getattr(self, name) is None for name in _NEVER_NULL):
            raise PydanticCustomError("null", "Only `disabled_until` can be null.")
        if self.disabled is False and self.disabled_until is not None:
            raise PydanticCustomError(
                "contradiction", "Who is not disabled is not disabled until a time either."
            )
        return self

    def change(self, *, is_disabled: bool) -> UserChange:
        """The change that this asks for, of an account that is disabled now or is not."""
        return UserChange(self.roles, self.email_verified, self._disabling(is_disabled=is_disabled))

    def _disabling(self, *, is_disabled: bool) -> Disabling | None:
        if self.disabled is False:
            return Disabling(enable=True)
        if self.disabled or self.disabled_until is not None:
            return Disabling(until=self.disabled_until)
        # `"disabled_until": null` alone takes the end from a disabling there is, and makes none.
        return Disabling() if is_disabled and "disabled_until" in self.model_fields_set else None


_NEVER_NULL: Final = ("roles", "disabled", "email_verified")


class UserRecord(BaseModel):
    """An account as an administrator sees it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    email: str
    email_verified: bool
    roles: list[str]
    created_at: Moment
    last_login_at: Moment | None
    disabled: Annotated[bool, Field(description="Whether the account may not be used now.")]
    disabled_at: Moment | None
    disabled_until: Moment | None
    locked: Annotated[
        bool,
        Field(description="Whether wrong passwords have stopped the password: reset or unlock it."),
    ]

    @classmethod
    def of(cls, entry: Entry, *, now: datetime, hard_stop: int) -> "UserRecord":
        """The answer for an account in the list."""
        return cls.of_account(entry.account, now=now, locked=entry.failures >= hard_stop)

    @classmethod
    def of_account(cls, account: Account, *, now: datetime, locked: bool) -> "UserRecord":
        """The answer for an account."""
        return cls(
            id=account.id,
            email=account.email,
            email_verified=account.email_verified,
            roles=account.roles,
            created_at=account.created_at,
            last_login_at=account.last_login_at,
            disabled=not account.is_enabled(now),
            disabled_at=account.disabled_at,
            disabled_until=account.disabled_until,
            locked=locked,
        )


class UserPage(Page[UserRecord]):
    """Accounts, the newest first."""

    @classmethod
    def of(
        cls, entries: list[Entry], asked: PageRequest, *, now: datetime, hard_stop: int
    ) -> "UserPage":
        """The page of those that were read for it."""
        shown, next_cursor = asked.cut(entries)
        items = [UserRecord.of(entry, now=now, hard_stop=hard_stop) for entry in shown]
        return cls(items=items, next_cursor=next_cursor)


class UserSession(BaseModel):
    """A live session of an account."""

    id: UUID
    created_at: Moment
    last_used_at: Moment
    expires_at: Moment
    ip: str | None
    user_agent: str | None
    device: str

    @classmethod
    def of(cls, session: ListedSession) -> "UserSession":
        """The answer for a session."""
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
            ip=session.ip,
            user_agent=session.user_agent,
            device=device_name(session.user_agent),
        )


Status = Literal["enabled", "disabled"]
