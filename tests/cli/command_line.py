"""The command line: in this process, or as one of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from auth_service.cli.main import app

SIGNS_OF_SLOPPINESS = ("Traceback", "never awaited", "Event loop is closed", "Warning")


class Done(NamedTuple):
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class CommandLine:
    """`auth-service`, run in a folder with settings of its own."""

    folder: Path
    settings: dict[str, str]
    in_process: bool = True

    def as_process(self) -> "CommandLine":
        """The same commands, each in a process of its own."""
        return replace(self, in_process=False)

    def with_settings(self, **settings: str) -> "CommandLine":
        """The same commands under more settings."""
        return replace(self, settings=self.settings | settings)

    def environment(self, **settings: str) -> dict[str, str]:
        """The environment that a process of its own gets."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("AUTH_")}
        return inherited | self.settings | settings

    def run(self, *arguments: str, stdin: str | bytes = "", **settings: str) -> Done:
        """Run a command to its end; nothing it says may be a trace or a warning."""
        text = stdin.encode() if isinstance(stdin, str) else stdin
        run = self._run_here if self.in_process else self._run_apart
        done = run(arguments, text, settings)
        assert not any(sign in done.stderr for sign in SIGNS_OF_SLOPPINESS), done.stderr
        return done

    def _run_here(self, arguments: tuple[str, ...], stdin: bytes, settings: dict[str, str]) -> Done:
        assert Path.cwd() == self.folder
        result = CliRunner().invoke(
            app,
            list(arguments),
            input=stdin,
            env=self.settings | settings,
            catch_exceptions=False,
            prog_name="auth-service",
        )
        return Done(result.exit_code, result.stdout, result.stderr)

    def _run_apart(
        self, arguments: tuple[str, ...], stdin: bytes, settings: dict[str, str]
    ) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "auth_service", *arguments],
            cwd=self.folder,
            env=self.environment(**settings),
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def succeed(self, *arguments: str, stdin: str | bytes = "", **settings: str) -> str:
        """What a command prints that has to succeed, with nothing on standard error."""
        done = self.run(*arguments, stdin=stdin, **settings)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def fail(self, *arguments: str, stdin: str | bytes = "", **settings: str) -> str:
        """The one line of a command that has to fail, without the program's name."""
        done = self.run(*arguments, stdin=stdin, **settings)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("auth-service: ")
        assert done.stderr.count("\n") == 1
        return done.stderr.removeprefix("auth-service: ").rstrip("\n")
