"""Addresses are compared as mail servers compare them: NFC in small letters, no case folding.

Revision: 0015, after 0014

No two keys can become one: what the new spelling makes equal, the old one did as well.
"""

import unicodedata
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLES = ("users", "mailed_tokens")


def _small(local_part: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local_part).lower())


def _folded(local_part: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", local_part).casefold())


def _spell(spelled: Callable[[str], str]) -> None:
    connection = op.get_bind()
    for name in _TABLES:
        table = sa.table(
            name,
            sa.column("id", sa.Uuid()),
            sa.column("email", sa.String()),
            sa.column("email_key", sa.String()),
        )
        beyond_ascii = (
            table.c.email.bool_op("~")("[^ -~]")
            if connection.dialect.name == "postgresql"
            else table.c.email.bool_op("GLOB")("*[^ -~]*")
        )
        rows = connection.execute(sa.select(table).where(beyond_ascii)).all()
        for row in rows:
            local_part = row.email.rpartition("@")[0]
            key = f"{spelled(local_part)}@{row.email_key.rpartition('@')[2]}"
            if key != row.email_key:
                connection.execute(
                    sa.update(table).where(table.c.id == row.id).values(email_key=key)
                )


def upgrade() -> None:
    _spell(_small)


def downgrade() -> None:
    _spell(_folded)
