"""Make ``auth_service/methods/password/common-passwords.txt.gz`` from a Django wheel.

    pip download --no-deps django==5.2.19
    python scripts/build_common_passwords.py django-5.2.19-py3-none-any.whl

NOTICE: the list is part of Django, Copyright (c) Django Software Foundation and individual
contributors, BSD-3-Clause (https://github.com/django/django/blob/main/LICENSE). Royce Williams made
it: https://gist.github.com/roycewilliams/226886fd01572964e1431ac8afc999ce
It is ordered, most common first; the first 10,000 lines are taken. The same wheel always makes the
same file.
"""

import argparse
import gzip
import zipfile
from pathlib import Path
from typing import Final

SOURCE: Final = "django/contrib/auth/common-passwords.txt.gz"
TARGET: Final = (
    Path(__file__).parents[1] / "auth_service/methods/password" / "common-passwords.txt.gz"
)
SIZE: Final = 10_000


def read_most_common(wheel: Path) -> list[str]:
    """The most common passwords in the wheel's list, most common first."""
    with zipfile.ZipFile(wheel) as archive:
        lines = gzip.decompress(archive.read(SOURCE)).decode().splitlines()
    return lines[:SIZE]


def write_packed(passwords: list[str], target: Path) -> None:
    """Write one password a line; neither the time nor the file's name enters the result."""
    with (
        target.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=9, mtime=0) as packed,
    ):
        packed.write("".join(f"{password}\n" for password in passwords).encode())


def main() -> None:
    """Read the wheel that the command line names, and write the list."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("wheel", type=Path, help="django-5.2.*-py3-none-any.whl")
    parser.add_argument("--target", type=Path, default=TARGET, help="the file to write")
    arguments = parser.parse_args()
    passwords = read_most_common(arguments.wheel)
    write_packed(passwords, arguments.target)
    print(f"{len(passwords)} passwords written to {arguments.target}")


if __name__ == "__main__":
    main()
