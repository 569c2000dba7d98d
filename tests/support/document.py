"""A document's files, commands and what they print: run as they stand, and compared."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"\[(\d+)\]")
NUMBER = re.compile(r"\d+")
BLANKS = re.compile(r"[\s━─┃│┏┓┗┛┡┩└┘┳┻╇┴┬┼]+")


@dataclass
class Step:
    """A command of the document: what it prints, and the exit code that the document says it has."""

    command: str
    output: list[str] = field(default_factory=list)
    exit_code: int = 0


@dataclass
class Document:
    """The files that the reader saves, and the commands in order."""

    files: dict[str, str]
    steps: list[Step]


def document(path: Path) -> Document:
    """Take a document apart: blocks with a file's name, and `console` blocks."""
    files: dict[str, str] = {}
    steps: list[Step] = []
    for kind, name, body in FENCE.findall(path.read_text()):
        if name:
            files[name] = body
        if kind == "console":
            steps += _steps(body)
    return Document(files, steps)


def _steps(body: str) -> list[Step]:
    steps: list[Step] = []
    for line in body.splitlines():
        ended = EXIT.fullmatch(line)
        if line.startswith("$ "):
            steps.append(Step(line.removeprefix("$ ")))
        elif ended:
            steps[-1].exit_code = int(ended[1])
        else:
            steps[-1].output.append(line)
    return steps


def alike(text: str) -> str:
    """Give what must be the same in every run: numbers (times, offsets, sizes) and the lines of tables may differ."""
    return BLANKS.sub(" ", NUMBER.sub("#", text)).strip()


def environment_of(settings: dict[str, object]) -> dict[str, str]:
    """Give the environment of a shell with these settings and this Python's commands."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRAWDOWN_")}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    kept["PYTHONPATH"] = str(Path("src").resolve())
    return kept | {f"DRAWDOWN_{name.upper()}": str(value) for name, value in settings.items()}


def run(command: str, folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a command as a shell does, its errors among its output."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
