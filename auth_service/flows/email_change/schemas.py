"""What the routes about a change of address take."""

from auth_service.web.fields import EmailField, MailedTokenField, PasswordField, RequestBody


class EmailChangeRequest(RequestBody):
    """The address to be, and the password."""

    new_email: EmailField
    password: PasswordField


class UndoRequest(RequestBody):
    """The token from the mail to the old address."""

    token: MailedTokenField
