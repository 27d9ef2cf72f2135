"""Whatever the admin API accepts can be exported and imported again, with nothing changed."""

import io
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from auth_service.admin.moving.formats import Format, FoundRecord, read_records
from auth_service.admin.moving.names import FIELDS
from auth_service.admin.moving.record import record_of, values_of
from auth_service.admin.moving.writing import header_line, record_line
from auth_service.admin.users_schemas import NewUserRequest, UserChangeRequest
from auth_service.core.ids import new_id
from auth_service.users.account import AccountRecord
from auth_service.users.roles import MOST_ROLES

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LOCAL_PARTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=70)
ADDRESSES = st.one_of(st.emails(), LOCAL_PARTS.map(lambda text: f"{text}@example.com"))
ROLES = st.lists(st.from_regex(r"[a-z][a-z0-9_.:-]{0,63}", fullmatch=True), max_size=MOST_ROLES)
LAST = datetime(9999, 12, 31, tzinfo=UTC)
TIMES = st.datetimes(NOW.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.timezones())


def accepted(email: str, roles: list[str], until: datetime | None) -> AccountRecord | None:
    """The account that the admin API makes of a request, or None where it refuses that."""
    change: dict[str, Any] = {} if until is None else {"disabled_until": until.isoformat()}
    try:
        made = NewUserRequest(email=email, roles=roles)
        changed = UserChangeRequest.model_validate(change)
    except ValidationError:
        return None
    return AccountRecord(
        id=new_id(),
        email=made.email.address,
        email_key=made.email.key,
        email_verified=made.email_verified,
        password_hash=None,
        roles=made.roles,
        created_at=NOW,
        last_login_at=None,
        disabled_at=None if changed.disabled_until is None else NOW,
        disabled_until=changed.disabled_until,
    )


def goes_round(record: AccountRecord, file_format: Format) -> None:
    text = header_line(file_format) + record_line(values_of(record), file_format)
    [found] = read_records(io.BytesIO(text.encode()), file_format)
    assert isinstance(found, FoundRecord)
    assert set(found.values) <= set(FIELDS)
    assert record_of(found.values, objection=lambda _: None, now=NOW) == record


@given(ADDRESSES, ROLES, st.none() | TIMES, st.sampled_from(Format))
def test_what_is_accepted_goes_out_and_comes_in_again(
    email: str, roles: list[str], until: datetime | None, file_format: Format
) -> None:
    record = accepted(email, roles, until)
    if record is not None:
        goes_round(record, file_format)


def test_the_most_and_longest_roles_go_in_and_out() -> None:
    roles = [f"r{number:063d}" for number in range(MOST_ROLES)]
    record = accepted("ada@example.com", roles, None)
    assert record is not None
    for file_format in Format:
        goes_round(record, file_format)
    assert accepted("ada@example.com", [*roles, "one-more"], None) is None
