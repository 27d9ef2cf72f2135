"""What the routes about one's own account take and give."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, Field

from auth_service.audit.actions import Action, Outcome
from auth_service.audit.repository import StoredEvent
from auth_service.core.device import device_name
from auth_service.sessions.repository import ListedSession
from auth_service.users.schemas import UserAnswer
from auth_service.web.fields import Moment, PasswordField, RequestBody


class PasswordChangeRequest(RequestBody):
    """The password as it is, and as it shall be."""

    model_config: ClassVar[Any] = {
        "json_schema_extra": {
            "examples": [
                {
                    "current_password": "analytical engine 1843",
                    "new_password": "difference engine 1822",
                }
            ]
        }
    }

    current_password: PasswordField
    new_password: PasswordField


class DeletionRequest(RequestBody):
    """The password, so that nobody's account goes by accident or by a stolen session."""

    password: PasswordField


class SessionAnswer(BaseModel):
    """One of the caller's sessions: what it was opened with, where, and until when it lasts."""

    id: UUID
    created_at: Moment
    last_used_at: Moment
    expires_at: Moment
    ip: str | None
    user_agent: str | None
    device: Annotated[str, Field(description="A name made from `user_agent`: Firefox on Linux.")]
    current: Annotated[bool, Field(description="Whether it is the one that asks.")]

    @classmethod
    def of(cls, session: ListedSession, *, current: UUID) -> "SessionAnswer":
        """The answer for a session."""
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
            ip=session.ip,
            user_agent=session.user_agent,
            device=device_name(session.user_agent),
            current=session.id == current,
        )


class SecurityEvent(BaseModel):
    """Something that happened on the caller's account."""

    id: UUID
    at: Moment
    action: Action
    outcome: Outcome
    session_id: UUID | None
    ip: str | None
    user_agent: str | None
    device: str
    details: dict[str, Any]

    @classmethod
    def of(cls, event: StoredEvent) -> "SecurityEvent":
        """The answer for an event; of an administrator's, not where that one was."""
        by_another = event.actor_id not in {None, event.subject_id}
        user_agent = None if by_another else event.user_agent
        return cls(
            id=event.id,
            at=event.happened_at,
            action=Action(event.action),
            outcome=Outcome(event.outcome),
            session_id=None if by_another else event.session_id,
            ip=None if by_another else event.ip,
            user_agent=user_agent,
            device=device_name(user_agent),
            details=event.details,
        )


class ExportedSession(BaseModel):
    """One of the caller's sessions, living or ended, with all that is kept of it."""

    id: UUID
    client_id: str
    amr: list[str]
    created_at: Moment
    last_used_at: Moment
    expires_at: Moment
    ended_at: Moment | None
    ended_because: str | None
    ip: str | None
    user_agent: str | None


class AccountExport(BaseModel):
    """Everything that is kept about an account (GDPR article 20)."""

    user: UserAnswer
    has_password: Annotated[
        bool, Field(description="Of a password only a hash is kept, which is not for taking along.")
    ]
    known_devices: list[str]
    sessions: list[ExportedSession]
    security_events: list[SecurityEvent]  # the last member: it is written as the rows are read
