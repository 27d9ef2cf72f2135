"""Links lead to the frontend, and keep the token from every server."""

from urllib.parse import urlsplit

import pytest

from auth_service.mail.links import Links
from tests.conftest import settings_for

LINKS = Links("https://app.example.com/base")


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (LINKS.verify_email("t-1"), "/base/verify-email"),
        (LINKS.reset_password("t-1"), "/base/reset-password"),
        (LINKS.undo_email_change("t-1"), "/base/undo-email-change"),
    ],
)
def test_the_token_is_in_the_fragment(link: str, path: str) -> None:
    parts = urlsplit(link)
    assert (parts.path, parts.query, parts.fragment) == (path, "", "token=t-1")


def test_links_lead_to_the_frontend_of_the_settings() -> None:
    links = Links.of(settings_for("sqlite://", frontend_url="https://app.example.com/"))
    assert links.verify_email("t") == "https://app.example.com/verify-email#token=t"
