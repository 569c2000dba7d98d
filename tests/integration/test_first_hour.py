"""docs/first-hour.md, run as it stands on the tests' stack: every command ends and prints as the page says."""

from pathlib import Path

from tests.support.document import alike, document, environment_of, run

from drawdown.local.child import Child
from drawdown.local.stack import LocalStack

PAGE = Path("docs/first-hour.md").resolve()
GIVEN = ("make setup", ". .venv", "drawdown local up", "export DRAWDOWN_")  # the test stands for these
WORKER = "drawdown worker"


def test_the_first_hour(stack: LocalStack, prefix: str, tmp_path: Path) -> None:
    page = document(PAGE)
    environment = environment_of({"kafka": stack.addresses.kafka, "redis": stack.addresses.redis, "prefix": prefix})
    for name, body in page.files.items():
        (tmp_path / name).write_text(body)
    assert run("drawdown topics create", tmp_path, environment).returncode == 0
    worker: Child | None = None
    differences = []
    try:
        for step in page.steps:
            if step.command.startswith(GIVEN):
                continue
            if step.command == WORKER:
                worker = Child(["drawdown", "worker"], tmp_path / "worker.log", environment)
                continue
            done = run(step.command, tmp_path, environment)
            told, wanted = alike(done.stdout.replace(prefix, "")), alike("\n".join(step.output))
            if (done.returncode, told) != (step.exit_code, wanted):
                differences.append(f"$ {step.command}\n{done.stdout}[{done.returncode}]")
    finally:
        if worker is not None:
            worker.stop()
    assert not differences, "\n".join(differences)
