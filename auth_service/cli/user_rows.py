"""What the commands about accounts share: how one is named, and how it is shown."""

from typing import Annotated, Any

import typer

from auth_service.cli.running import fail, moment

EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The account's address.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def parsed(email: str) -> Any:  # noqa: ANN401 - an Email, whose module is loaded late
    """The address; ends the command where it is none."""
    from auth_service.core.emails import Email, InvalidEmailError

    try:
        return Email.parse(email)
    except InvalidEmailError as fault:
        fail(str(fault))


def row_of(account: Any) -> dict[str, Any]:  # noqa: ANN401 - an Account, whose module is loaded late
    """An account as it is printed."""
    return {
        "id": str(account.id),
        "email": account.email,
        "email_verified": account.email_verified,
        "roles": account.roles,
        "created_at": moment(account.created_at),
        "last_login_at": moment(account.last_login_at),
        "disabled_at": moment(account.disabled_at),
        "disabled_until": moment(account.disabled_until),
    }
