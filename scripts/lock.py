"""Resolve the dependencies into requirements*.txt: exact versions, hashes, no index address.

Three files, each consistent with the others: what the service needs, what building it needs,
and what developing it needs besides. Versions stay as they are where they still fit;
``--upgrade`` takes the newest of everything.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
HEADER = (
    "# Made by `make lock` from pyproject.toml: exact versions with the hashes of their files.\n"
)
OPTIONS = [
    "--generate-hashes",
    "--allow-unsafe",
    # With the extras stripped, pip takes the next release of such a package for unpinned and fails.
    "--no-strip-extras",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-find-links",
    "--no-annotate",
    "--quiet",
]

# What only an older patch release of Python asks for: redis on Debian 12's 3.11.2. The resolver
# sees just the Python it runs on, so these are resolved for all and then marked.
FOR_OLDER_PYTHON = {"async-timeout": 'python_full_version < "3.11.3"'}


def requirements() -> dict[str, list[str]]:
    """What each file has to provide."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    build = groups["build"]
    dev = [entry for entry in groups["dev"] if isinstance(entry, str)]
    return {
        "requirements.txt": [*project["project"]["dependencies"], *FOR_OLDER_PYTHON],
        "requirements-build.txt": build,
        "requirements-dev.txt": [*build, *dev],
    }


def compile_file(name: str, wanted: list[str], folder: Path) -> None:
    """Resolve one file; the development one agrees with the service's."""
    source = folder / name.replace(".txt", ".in")
    lines = list(wanted)
    if name != "requirements.txt":
        lines.append(f"-c {ROOT / 'requirements.txt'}")
    source.write_text("\n".join(lines) + "\n")
    output = folder / name
    if "--upgrade" not in sys.argv and (ROOT / name).exists():
        output.write_text((ROOT / name).read_text())
    command = [
        sys.executable,
        "-m",
        "piptools",
        "compile",
        *OPTIONS,
        str(source),
        "-o",
        str(output),
    ]
    subprocess.run(command, check=True)  # noqa: S603 - our own arguments
    (ROOT / name).write_text(HEADER + marked(output.read_text()))
    print(f"wrote {name}")


def marked(locked: str) -> str:
    """The lock, with the marker at each package that only some Pythons need."""
    for package, marker in FOR_OLDER_PYTHON.items():
        pin = rf"^({package}==\S+)(?: ;.*?)? \\$"
        locked = re.sub(pin, rf"\1 ; {marker} \\", locked, flags=re.MULTILINE)
    return locked


def main() -> None:
    """Write the three files, the service's first."""
    with TemporaryDirectory() as folder:
        for name, wanted in requirements().items():
            compile_file(name, wanted, Path(folder))


if __name__ == "__main__":
    main()
