"""The conformance tokens as tests see them."""

import json
from typing import Any, Final

import pytest

from tests.architecture.package import REPOSITORY

FILE: Final = REPOSITORY / "docs" / "conformance" / "tokens.json"
VECTORS: Final[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
CASES: Final[list[dict[str, Any]]] = VECTORS["cases"]
VALID: Final = [case for case in CASES if case["verdict"] == "valid"]
INVALID: Final = [case for case in CASES if case["verdict"] == "invalid"]
every_case: Final = pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
