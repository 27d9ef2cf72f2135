"""What the verification routes take."""

from auth_service.web.fields import EmailField, MailedTokenField, RequestBody


class VerifyRequest(RequestBody):
    """The token from the mail."""

    token: MailedTokenField


class ResendRequest(RequestBody):
    """The address to send the mail to again."""

    email: EmailField
