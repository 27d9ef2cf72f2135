"""What the reset routes take."""

from auth_service.web.fields import EmailField, MailedTokenField, PasswordField, RequestBody


class ForgotRequest(RequestBody):
    """The address whose password is forgotten."""

    email: EmailField


class ResetRequest(RequestBody):
    """The token from the mail, and the password to be."""

    token: MailedTokenField
    new_password: PasswordField
