"""The release after this one: the same service, one migration further.

    python -m tests.faults.next_release FOLDER serve …

FOLDER is where its migrations are put together.
"""

import shutil
import sys
from pathlib import Path

from auth_service.cli.main import main
from auth_service.db import schema

REVISION = "9999"
_MIGRATION = f'''"""A column and a table that this release has never heard of."""

import sqlalchemy as sa
from alembic import op

revision = "{REVISION}"
down_revision = "{schema.HEAD}"


def upgrade() -> None:
    op.add_column("users", sa.Column("nickname", sa.String(64)))
    op.add_column("sessions", sa.Column("nickname", sa.String(64)))
    op.create_table("nicknames", sa.Column("name", sa.String(64), primary_key=True))
'''


def become(folder: Path) -> None:
    """Make this process the next release."""
    if not folder.exists():
        shutil.copytree(schema.migrations_folder(), folder)
        (folder / "versions" / f"{REVISION}_nicknames.py").write_text(_MIGRATION, encoding="utf-8")
    schema.HEAD = REVISION  # type: ignore[misc]
    schema.migrations_folder = lambda: folder


if __name__ == "__main__":
    become(Path(sys.argv.pop(1)))
    main()
