"""What `docs/webhooks.md` shows, run on a delivery as the service signs it."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from auth_service.webhooks.event_types import TYPES
from auth_service.webhooks.signing import new_secret, signed_headers
from tests.conftest import missing

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
SECRET = new_secret()
EVENT = {"type": "user.created", "timestamp": "now", "data": {"user_id": "ada", "session_id": None}}
BODY = json.dumps(EVENT).encode()


def block(name: str) -> str:
    [text] = re.findall(rf"```\w+\n((?://|#) {name}\n.*?)```", PAGE.read_text(), re.DOTALL)
    return str(text).replace("whsec_…", SECRET)


def headers() -> dict[str, str]:
    return signed_headers([SECRET], "msg_1", int(time.time()), BODY)


def test_the_python_block_takes_what_is_good_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names: dict[str, Any] = {}
    exec(block("receive.py"), names)  # noqa: S102 - our own page
    assert names["receive"](headers(), BODY) == 204
    assert capsys.readouterr().out == "user.created ada\n"
    assert names["receive"](headers(), BODY + b" ") == 400


def test_the_node_block_takes_what_is_good_and_nothing_else(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        missing("Node")
    (tmp_path / "receive.mjs").write_text(block("receive.mjs"))
    old = signed_headers([SECRET], "msg_1", int(time.time()) - 1000, BODY)
    cases = [[headers(), BODY.decode()], [headers(), BODY.decode() + " "], [old, BODY.decode()]]
    script = (
        'import { receive } from "./receive.mjs";'
        f"console.log(JSON.stringify({json.dumps(cases)}.map(([h, b]) => receive(h, b))));"
    )
    (tmp_path / "main.mjs").write_text(script)
    done = subprocess.run(
        [node, "main.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == [EVENT, None, None]


def test_the_list_of_types_is_the_closed_list() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    found = [name for row in rows for name in re.findall(r"`([a-z._]+)`", row.split(" | ")[0])]
    assert found == list(TYPES)
