"""What other services can be told of: a closed list of types, and which events they are."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from auth_service.audit.actions import Action

PING: Final = "ping"
TYPE_OF: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.USER_REGISTERED: "user.created",
        Action.USER_CREATED: "user.created",
        Action.USER_DELETED: "user.deleted",
        Action.USER_DISABLED: "user.disabled",
        Action.USER_ENABLED: "user.enabled",
        Action.USER_ROLES_CHANGED: "user.roles_changed",
        Action.EMAIL_VERIFIED: "email.verified",
        Action.EMAIL_CHANGED: "email.changed",
        Action.EMAIL_CHANGE_UNDONE: "email.changed",
        Action.PASSWORD_CHANGED: "password.changed",
        Action.PASSWORD_RESET: "password.changed",
        Action.PASSWORD_VOIDED: "password.changed",
        Action.SESSION_ENDED: "session.revoked",
        Action.OTHER_SESSIONS_ENDED: "session.revoked",
        Action.ALL_SESSIONS_ENDED: "session.revoked",
        Action.EVERYBODYS_SESSIONS_ENDED: "session.revoked",
        Action.REFRESH_TOKEN_REUSED: "session.revoked",
    }
)
TYPES: Final = tuple(dict.fromkeys(TYPE_OF.values()))
"""Every type that can be asked for."""
