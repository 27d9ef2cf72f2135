"""The parts that live as long as the app, each given what it stands on."""

import asyncio
from typing import Any, Final

from auth_service.admin.moving.exporting import UserExport
from auth_service.admin.moving.importing import UserImport
from auth_service.admin.service import UserAdministration
from auth_service.audit import models as audit_models
from auth_service.audit.chain_keys import ChainKeys
from auth_service.audit.sealer import Sealer
from auth_service.audit.service import Audit
from auth_service.audit.verification import Verification
from auth_service.clients.service import ServiceClients
from auth_service.core.clock import Clock
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database
from auth_service.flows.account.export import Exports
from auth_service.flows.account.removal import AccountRemoval
from auth_service.flows.account.service import OwnAccount
from auth_service.flows.email_change.service import EmailChange
from auth_service.flows.email_verification.service import EmailVerification
from auth_service.flows.login.service import Login
from auth_service.flows.operations.service import Operations
from auth_service.flows.password_reset.service import PasswordReset
from auth_service.flows.registration.service import Registrations
from auth_service.flows.service_tokens.introspection import Introspection
from auth_service.flows.service_tokens.revocation import Revocation
from auth_service.flows.service_tokens.revocation_list import RevocationList
from auth_service.flows.session.service import SessionFlow
from auth_service.mail import models as mail_models
from auth_service.mail.composing import Composer
from auth_service.mail.links import Links
from auth_service.mail.mailbox import DevelopmentMailbox
from auth_service.mail.outbox import Outbox
from auth_service.mail.sender import Sender
from auth_service.mail.transport import transport_of
from auth_service.mailed_tokens import models as mailed_tokens_models
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.mailed_tokens.wishes import MailWishes, WishKind
from auth_service.methods.mailbox.given_up import GivenUpMail
from auth_service.methods.mailbox.service import Mailbox
from auth_service.methods.password.breached import breached_passwords
from auth_service.methods.password.confirmation import PasswordConfirmation
from auth_service.methods.password.decoys import Decoys
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.methods.password.new_passwords import NewPasswords
from auth_service.methods.password.policy import PasswordPolicy
from auth_service.methods.password.proof import PasswordProofs
from auth_service.secret_keys.service import SecretKeys
from auth_service.sessions.service import Sessions
from auth_service.settings import Settings
from auth_service.throttle.service import Throttle
from auth_service.tokens import models as tokens_models
from auth_service.tokens.keys import SigningKeys
from auth_service.tokens.service import AccessTokens
from auth_service.web.metrics import Metrics
from auth_service.web.rate_limit import RateLimiter
from auth_service.webhooks import models as webhooks_models
from auth_service.webhooks.delivery import DeliverySender
from auth_service.webhooks.service import Webhooks

SEALED: Final = (
    tokens_models.PRIVATE_KEY,
    audit_models.CHAIN_KEY,
    *webhooks_models.SECRETS,
    mail_models.PAYLOAD,
    mailed_tokens_models.WISH_ADDRESS,
)
"""Everything in the database that is encrypted under ``AUTH_SECRET_KEYS``."""


def build_parts(state: Any, settings: Settings, clock: Clock) -> None:  # noqa: ANN401 - Starlette's
    """Everything that lives as long as the app, each part given what it stands on."""
    state.settings = settings
    state.clock = clock
    state.rate_limiter = RateLimiter(settings)
    state.metrics = Metrics() if settings.metrics_token is not None else None
    _build_nouns(state, settings, clock)
    _build_flows(state, settings, clock)


def _build_nouns(state: Any, settings: Settings, clock: Clock) -> None:  # noqa: ANN401 - Starlette's
    """What keeps data, and what sends mail."""
    keyring = state.keyring = Keyring.of(settings.secret_keys)
    database = state.database = Database.from_settings(settings)
    state.secret_keys = SecretKeys(
        database=database, keyring=keyring, columns=SEALED, clock=clock, settings=settings
    )
    keys = state.audit_keys = ChainKeys(database=database, keyring=keyring, clock=clock)
    state.audit = Audit(database=database, keys=keys, clock=clock)
    state.audit_sealer = Sealer(database=database, keys=keys, clock=clock, settings=settings)
    state.audit_verification = Verification(database=database, keys=keys, clock=clock)
    state.signing_keys = SigningKeys(
        database=database, keyring=keyring, clock=clock, settings=settings
    )
    state.access_tokens = AccessTokens(keys=state.signing_keys, clock=clock, settings=settings)
    state.sessions = Sessions(
        database=database,
        access_tokens=state.access_tokens,
        keyring=keyring,
        clock=clock,
        settings=settings,
    )
    state.service_clients = ServiceClients(database=database, clock=clock)
    state.throttle = Throttle(
        keyring=keyring, clock=clock, settings=settings, guard=state.rate_limiter.guard
    )
    state.mailed_tokens = MailedTokens(database=database, clock=clock, settings=settings)
    state.wishes = MailWishes(database=database, keyring=keyring, clock=clock)
    state.outbox = Outbox(keyring=keyring, clock=clock)
    state.mail_sender = Sender(
        database=database,
        keyring=keyring,
        clock=clock,
        composer=Composer.of(settings),
        transport=transport_of(settings),
        filled=state.outbox.filled,
        metrics=state.metrics,
        on_given_up=GivenUpMail(state.audit).record,
        keeps_payloads=settings.has_development_mailbox,
    )
    state.webhooks = Webhooks(
        database=database,
        audit=state.audit,
        outbox=state.outbox,
        keyring=keyring,
        clock=clock,
        settings=settings,
    )
    state.audit.tell(state.webhooks.hear)
    mail_sender: Sender = state.mail_sender
    state.webhook_sender = DeliverySender(
        database=database,
        keyring=keyring,
        clock=clock,
        composer=mail_sender.composer,
        transport=mail_sender.transport,
        filled=asyncio.Event(),
        metrics=None,
        on_given_up=mail_sender.on_given_up,
        channel="webhooks",
        at_once=16,
        webhooks=state.webhooks,
        environment=settings.environment,
    )
    state.mailbox = DevelopmentMailbox(
        database=database, keyring=keyring, composer=state.mail_sender.composer
    )


def _build_flows(state: Any, settings: Settings, clock: Clock) -> None:  # noqa: ANN401 - Starlette's
    """What people and services want, on what they can prove."""
    database, sessions, audit = state.database, state.sessions, state.audit
    hasher = state.hasher = PasswordHasher.of(settings)
    mailbox = Mailbox(
        tokens=state.mailed_tokens,
        outbox=state.outbox,
        links=Links.of(settings),
        clock=clock,
        admits=state.rate_limiter.admits,
    )
    breached = state.breached_passwords = breached_passwords(settings)
    rules = NewPasswords(policy=PasswordPolicy.of(settings), breached=breached)
    password: Any = {"hasher": hasher, "rules": rules}
    told: Any = {
        "tokens": state.mailed_tokens,
        "mailbox": mailbox,
        "audit": audit,
        "clock": clock,
    }
    mailed: Any = told | {"wishes": state.wishes}
    proofs = state.password_proofs = PasswordProofs(
        throttle=state.throttle,
        hasher=hasher,
        decoys=Decoys(database=database, hasher=hasher, keyring=state.keyring, clock=clock),
        audit=audit,
        mailbox=mailbox,
        clock=clock,
        settings=settings,
    )
    confirmation = PasswordConfirmation(database=database, proofs=proofs, clock=clock)
    state.session_flow = SessionFlow(sessions=sessions, mailbox=mailbox, audit=audit)
    state.login = Login(
        database=database,
        hasher=hasher,
        proofs=proofs,
        breached=breached,
        sessions=sessions,
        mailbox=mailbox,
        audit=audit,
        keyring=state.keyring,
        clock=clock,
        metrics=state.metrics,
        settings=settings,
    )
    state.registrations = Registrations(
        **password,
        tokens=state.mailed_tokens,
        mailbox=mailbox,
        wishes=state.wishes,
        audit=audit,
        clock=clock,
        settings=settings,
    )
    state.password_reset = PasswordReset(**password, proofs=proofs, sessions=sessions, **mailed)
    state.email_change = EmailChange(
        confirmation=confirmation, sessions=sessions, keyring=state.keyring, **mailed
    )
    state.email_verification = EmailVerification(email_change=state.email_change, **mailed)
    removal = state.account_removal = AccountRemoval(
        database=database, sessions=sessions, settings=settings, **told
    )
    state.own_account = OwnAccount(
        **password, confirmation=confirmation, removal=removal, sessions=sessions, **told
    )
    state.exports = Exports(database=database, sessions=sessions, audit=audit)
    for kind, flow in (
        (WishKind.RESET_PASSWORD, state.password_reset),
        (WishKind.VERIFY_EMAIL, state.email_verification),
        (WishKind.CHANGE_EMAIL, state.email_change),
        (WishKind.REGISTRATION_ATTEMPT, state.registrations),
    ):
        state.wishes.see_to(kind, flow.fulfil)
    tokens: Any = {
        "access_tokens": state.access_tokens,
        "sessions": sessions,
        "clients": state.service_clients,
    }
    state.introspection = Introspection(**tokens, settings=settings)
    state.revocation_list = RevocationList(database=database, clock=clock, settings=settings)
    state.revocation = Revocation(**tokens, audit=audit)
    state.user_administration = UserAdministration(
        database=database,
        sessions=sessions,
        registrations=state.registrations,
        removal=removal,
        proofs=proofs,
        **told,
    )
    state.user_import = UserImport(
        database=database, hasher=hasher, tokens=state.mailed_tokens, clock=clock
    )
    state.user_export = UserExport(database=database)
    state.operations = Operations(
        database=database,
        signing_keys=state.signing_keys,
        rate_limiter=state.rate_limiter,
        sealer=state.audit_sealer,
        settings=settings,
    )
