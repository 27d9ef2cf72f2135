import gzip
import runpy
import sys
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "build_common_passwords.py"
LISTED = "django/contrib/auth/common-passwords.txt.gz"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel that has a list of 20,000 lines where Django has one."""
    path = tmp_path / "django.whl"
    lines = "".join(f"password{number}\n" for number in range(20_000))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(LISTED, gzip.compress(lines.encode()))
    return path


def build(wheel: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(sys, "argv", ["build", str(wheel), "--target", str(target)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    return target.read_bytes()


def test_the_first_ten_thousand_lines_are_taken(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = build(wheel, tmp_path / "list.gz", monkeypatch)

    assert gzip.decompress(packed).decode().splitlines() == [
        f"password{number}" for number in range(10_000)
    ]


def test_the_same_wheel_makes_the_same_file(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(wheel, tmp_path / "first.gz", monkeypatch)

    assert build(wheel, tmp_path / "second.gz", monkeypatch) == first
    assert first[4:8] == bytes(4)  # RFC 1952: no modification time


def test_a_wheel_without_the_list_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty.whl"
    zipfile.ZipFile(empty, "w").close()

    with pytest.raises(KeyError):
        build(empty, tmp_path / "list.gz", monkeypatch)
    assert not (tmp_path / "list.gz").exists()
