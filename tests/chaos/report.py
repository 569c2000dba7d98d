"""What each chaos test did and proved, in build/chaos/report.json. `python -m tests.chaos.report` prints a table."""

import fcntl
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

PATH = Path("build/chaos/report.json")


@dataclass
class Told:
    """One test. times: how often the fault fired. proof: what shows that it did, with its numbers."""

    row: int
    test: str
    fault: str = ""
    times: int = 0
    proof: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    result: str = ""
    seconds: str = ""

    def fired(self, fault: str, proof: str, times: int = 1) -> None:
        """Note a fault that fired. Called only after the proof was looked at."""
        assert times > 0, f"{fault} never fired: {proof}"
        self.fault = self.fault or fault
        self.times += times
        self.proof.append(proof)

    def checked(self, what: str) -> None:
        """Note a check that passed."""
        self.checks.append(what)

    def write(self) -> None:
        """Append to the report; several processes may."""
        PATH.parent.mkdir(parents=True, exist_ok=True)
        with PATH.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            held = json.loads(file.read() or "[]")
            held = [one for one in held if one["test"] != self.test] + [asdict(self)]
            held.sort(key=lambda one: (one["row"], one["test"]))
            file.truncate(0)
            file.write(json.dumps(held, indent=1) + "\n")


def as_markdown(held: list[dict[str, Any]]) -> str:
    """Give the table of docs/reliability.md."""
    lines = ["| row | test | fault | proof that it fired | judged by | s | result |", "|---|---|---|---|---|---|---|"]
    for one in held:
        judges = [judge for judge in ("oracle", "verify") if any(judge in check for check in one["checks"])]
        cells = [str(one["row"]), one["test"], one["fault"], "; ".join(one["proof"]), " and ".join(judges)]
        cells += [one["seconds"], one["result"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 if a test failed or a row of the issue has none. --markdown: as docs/reliability.md has it."""
    held = json.loads(PATH.read_text()) if PATH.exists() else []
    if "--markdown" in sys.argv:
        print(as_markdown(held))
        return 0
    table = Table("row", "test", "fired", "proof", "checked", "s", "result", title=str(PATH))
    for one in held:
        cells = [str(one["row"]), one["test"], str(one["times"]), "; ".join(one["proof"]), "; ".join(one["checks"])]
        table.add_row(*cells, one["seconds"], one["result"])
    Console(width=180 if not sys.stdout.isatty() else None).print(table)
    failed = [one["test"] for one in held if one["result"] != "passed"]
    missing = sorted(set(range(1, 17)) - {one["row"] for one in held})
    for test in failed:
        print(f"failed: {test}")
    if missing:
        print(f"rows without a test in this run: {', '.join(map(str, missing))}")
    return int(bool(failed or missing))


if __name__ == "__main__":
    sys.exit(main())
