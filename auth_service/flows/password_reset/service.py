"""Resetting a forgotten password (OWASP Forgot Password Cheat Sheet).

Asking writes the same wish for every address. What becomes of it, a mail or nothing, is seen to
after the answer has left. A reset proves that the mailbox is the owner's, and nothing more: it logs
nobody in.
"""

from uuid import UUID

from auth_service.audit.actions import Action
from auth_service.audit.service import Audit
from auth_service.core.client import ClientInfo
from auth_service.core.clock import Clock
from auth_service.core.emails import Email
from auth_service.db.session import Transaction
from auth_service.mail.kinds import PasswordChanged, PasswordReset
from auth_service.mail.outbox import Outbox
from auth_service.mailed_tokens.errors import InvalidToken
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.mailed_tokens.token import Purpose
from auth_service.mailed_tokens.wishes import MailWishes, Wish, WishKind
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.methods.password.policy import PasswordPolicy
from auth_service.sessions.service import Sessions
from auth_service.users import change_repository

_POINTER = "/new_password"


class PasswordReset:
    """The use cases of somebody who has forgotten their password."""
