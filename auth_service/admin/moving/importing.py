"""Taking in accounts from elsewhere."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import UUID

import structlog

from auth_service.admin.moving.errors import RefusedFieldError
from auth_service.admin.moving.fields import read_email
from auth_service.admin.moving.formats import FoundRecord, UnreadableLine
from auth_service.admin.moving.record import Values, record_of
from auth_service.admin.moving.seen_lines import SeenLines
from auth_service.core.clock import Clock
from auth_service.db.session import Database
from auth_service.mailed_tokens.service import MailedTokens
from auth_service.methods.password.hashing import PasswordHasher
from auth_service.users import repository
from auth_service.users.account import AccountRecord

log = structlog.get_logger()
_BATCH: Final = 1000
_ADMINISTRATOR: Final = "admin"
_RESERVED: Final = "is reserved: an account that had it can take it back for up to three days"
Found = FoundRecord | UnreadableLine


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not imported; its address where it has one, never its hash."""

    line: int
    email: str | None
    field: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of some lines, up to ``line``; ``administrators`` are among the ``imported``."""

    line: int
    read: int
    imported: int
    administrators: int
    already_there: int
    refused: list[RefusedLine]


class UserImport:
    """The use case of moving accounts in."""

    def __init__(
        self, *, database: Database, hasher: PasswordHasher, tokens: MailedTokens, clock: Clock
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._hasher = hasher
        self._clock = clock

    async def run(self, found: Iterable[Found], *, dry_run: bool = False) -> AsyncIterator[Settled]:
        """Take in accounts, 1,000 at a time, each thousand in a transaction of its own.

        Effect: an address that has an account, in whatever spelling, is left as it is, so that the
        same file may be imported again: it goes on where it stopped. With ``dry_run`` nothing is
        written, and ``imported`` is what would be.

        Raises:
            ServiceUnavailable: the database was lost; what was yielded before is stored.
            UnreadableFileError: the file cannot be read on; likewise.
            OSError: likewise, or nothing can be kept in the folder for temporary files.
        """
        remaining = iter(found)
        with closing(SeenLines()) as seen:
            while batch := list(islice(remaining, _BATCH)):
                accepted, refused = self._sift(batch, seen)
                added, reserved = await self._add(accepted.values(), dry_run=dry_run)
                there, others = await self._tell_apart(accepted, added, reserved)
                refused = sorted((*refused, *others), key=lambda one: one.line)
                admins = sum(
                    _ADMINISTRATOR in record.roles
                    for record in accepted.values()
                    if record.id in added
                )
                yield Settled(batch[-1].line, len(batch), len(added), admins, there, refused)

    def _sift(
        self, batch: list[Found], seen: SeenLines
    ) -> tuple[dict[int, AccountRecord], list[RefusedLine]]:
        """The records by their lines, and the lines that hold none."""
        accepted, refused = {}, []
        for one in batch:
            if isinstance(one, UnreadableLine):
                refused.append(RefusedLine(one.line, None, None, one.reason))
                continue
            try:
                accepted[one.line] = self._record(one, seen)
            except RefusedFieldError as fault:
                address = _address(one.values)
                refused.append(RefusedLine(one.line, address, fault.field, fault.reason))
        return accepted, refused

    def _record(self, found: FoundRecord, seen: SeenLines) -> AccountRecord:
        record = record_of(found.values, objection=self._hasher.objection, now=self._clock.now())
        if found.values.get("id"):
            _refuse_repeated("id", str(record.id), found.line, seen)
        _refuse_repeated("email", record.email_key, found.line, seen)
        return record

    async def _add(
        self, records: Iterable[AccountRecord], *, dry_run: bool
    ) -> tuple[set[UUID], set[str]]:
        """Store what is free; the ids of that, and the addresses that are kept for their owners.

        In a dry run without storing it.
        """
        wanted = list(records)
        async with self._database.transaction() as db:
            free = await self._free(wanted) if dry_run else await repository.add_records(db, wanted)
            keys = {one.id: one.email_key for one in wanted if one.id in free}
            # Looked at afterwards: a row, once added, is what a change of address waits for.
            reserved = await self._tokens.list_reserved(db, keys.values())
            kept = {user_id for user_id, key in keys.items() if key in reserved}
            if kept and not dry_run:
                await repository.remove_records(db, kept)
        return free - kept, reserved

    async def _free(self, wanted: Sequence[AccountRecord]) -> set[UUID]:
        keys = await repository.list_taken_keys(self._database, [one.email_key for one in wanted])
        ids = await repository.list_taken_ids(self._database, [one.id for one in wanted])
        taken = {*keys, *ids}
        return {one.id for one in wanted if one.email_key not in taken and one.id not in taken}

    async def _tell_apart(
        self, accepted: dict[int, AccountRecord], added: set[UUID], reserved: set[str]
    ) -> tuple[int, Iterator[RefusedLine]]:
        """Of those that were not added: how many have an account, and why others may not have one.

        That is because their address is kept for its owner, or their id is somebody else's.
        """
        left = {line: record for line, record in accepted.items() if record.id not in added}
        keys = [record.email_key for record in left.values()]
        there = set(await repository.list_taken_keys(self._database, keys)) if left else set()
        others = (
            RefusedLine(line, record.email, "email", _RESERVED)
            if record.email_key in reserved
            else RefusedLine(line, record.email, "id", "is that of another account")
            for line, record in left.items()
            if record.email_key not in there
        )
        return len(there), others


def _refuse_repeated(field: str, text: str, line: int, seen: SeenLines) -> None:
    first = seen.first(f"{field} {text}", line)
    if first != line:
        raise RefusedFieldError(field, f"is that of line {first} as well")


def _address(values: Values) -> str | None:
    """The address for the report; whatever is none may be a secret in the wrong column."""
    try:
        return read_email("email", values.get("email")).address
    except RefusedFieldError:
        return None
