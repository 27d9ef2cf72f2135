"""The closed list of what can have happened, and how it ended."""

from enum import StrEnum


class Action(StrEnum):
    """What happened. Rows keep these words, so one is never renamed and never used again.

    ``EVENTS_OF_OWNER`` are those that the owner of the account is shown.
    """

    USER_REGISTERED = "user.registered"
    USER_CREATED = "user.created"
    USER_DELETED = "user.deleted"
    USER_CLOSED = "user.closed"
    USER_EXPORTED = "user.exported"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    USER_ROLES_CHANGED = "user.roles_changed"
    LOGIN = "login"
    NEW_DEVICE = "login.new_device"
    SESSION_ENDED = "session.ended"
    OTHER_SESSIONS_ENDED = "session.others_ended"
    ALL_SESSIONS_ENDED = "session.all_ended"
    EVERYBODYS_SESSIONS_ENDED = "session.everybodys_ended"
    REFRESH_TOKEN_REUSED = "session.refresh_token_reused"  # noqa: S105 - an event, no password
    EMAIL_VERIFIED = "email.verified"
    EMAIL_VERIFICATION_SET = "email.verification_set"
    EMAIL_CHANGE_REQUESTED = "email.change_requested"
    EMAIL_CHANGED = "email.changed"
    EMAIL_CHANGE_UNDONE = "email.change_undone"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - likewise
    PASSWORD_STOPPED = "password.stopped"  # noqa: S105 - likewise
    PASSWORD_VOIDED = "password.voided"  # noqa: S105 - likewise
    PASSWORD_UNLOCKED = "password.unlocked"  # noqa: S105 - likewise
    PASSWORD_RESET_REQUESTED = "password.reset_requested"  # noqa: S105 - likewise
    PASSWORD_RESET = "password.reset"  # noqa: S105 - likewise
    REAUTHENTICATION = "reauthentication"
    CLIENT_CREATED = "client.created"
    CLIENT_DELETED = "client.deleted"
    CLIENT_SECRET_CHANGED = "client.secret_changed"  # noqa: S105 - likewise
    CLIENT_AUTHENTICATION = "client.authentication"
    KEYS_ROTATED = "keys.rotated"
    KEYS_REPLACED = "keys.replaced"
    SECRET_WITHDRAWN = "secret.withdrawn"  # noqa: S105 - likewise
    ACCESS_REFUSED = "access.refused"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_SECRET_CHANGED = "webhook.secret_changed"  # noqa: S105 - likewise
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_GIVEN_UP = "webhook.given_up"
    MAIL_GIVEN_UP = "mail.given_up"


class Outcome(StrEnum):
    """Whether what was tried came about."""

    SUCCESS = "success"
    FAILURE = "failure"
