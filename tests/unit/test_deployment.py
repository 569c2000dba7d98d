"""What deploy/ says fits the code: metrics exist, alerts have runbooks and pass their tests, pins are ours."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drawdown.metrics import API_METRICS, HISTORY_METRICS, METRICS
from drawdown.settings import Settings

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "drawdown.json"
ALERTS = (PROMETHEUS / "alerts.yml").read_text()
NAMES = sorted(set(re.findall(r"alert: (\w+)", ALERTS)))
ALL_METRICS = (*METRICS, *API_METRICS, *HISTORY_METRICS)
SHOWN = {name for metric in ALL_METRICS for name in metric.shown}
HEADINGS = ("## Symptom", "## What it means", "## What to look at", "## What to do")


def queries() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


@pytest.mark.parametrize("text", [ALERTS, (PROMETHEUS / "alerts_test.yml").read_text(), *queries()])
def test_every_metric_that_is_asked_for_exists(text: str) -> None:
    assert set(re.findall(r"\bdrawdown_\w+", text)) <= SHOWN


def test_the_dashboard_shows_every_metric() -> None:
    asked = {name for query in queries() for name in re.findall(r"\bdrawdown_\w+", query)}
    assert [metric.name for metric in ALL_METRICS if not asked & set(metric.shown)] == []


def test_every_metric_is_documented() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert [metric.name for metric in ALL_METRICS if f"`{metric.name}`" not in page] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_runbook(name: str) -> None:
    rule = ALERTS.split(f"alert: {name}\n")[1].split("- alert:")[0]
    path = re.findall(r"runbook: (docs/runbooks/[\w-]+\.md)", rule)
    assert len(path) == 1
    text = (ROOT / path[0]).read_text()
    assert name in text
    assert [heading for heading in HEADINGS if heading not in text] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "runbooks").glob("*.md")), ids=lambda page: page.name)
def test_every_runbook_belongs_to_an_alert_and_its_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    assert f"docs/runbooks/{page.name}" in ALERTS
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / link).is_file(), link


def test_every_alert_is_tested() -> None:
    tested = (PROMETHEUS / "alerts_test.yml").read_text()
    for name in NAMES:
        assert len(re.findall(rf"alertname: {name}\b", tested)) >= 2, name


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool: `make check-alerts` installs it")
def test_promtool_passes() -> None:
    for arguments in (("check", "config", "prometheus.yml"), ("test", "rules", "alerts_test.yml")):
        done = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_built_with_the_pins_of_development() -> None:
    development = (ROOT / "requirements" / "dev.txt").read_text()
    lines = (ROOT / "requirements" / "build.txt").read_text().splitlines()
    assert [line for line in lines if line not in development] == []
    wanted = (ROOT / "requirements" / "build.in").read_text().split()
    assert [name for name in wanted if name not in development] == []


def test_compose_names_settings_that_exist() -> None:
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / "deploy" / "Dockerfile").read_text()
    for name in set(re.findall(r"\bDRAWDOWN_(\w+)", text)):
        assert name.lower() in Settings.model_fields


def test_compose_publishes_on_loopback_only() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    published = re.findall(r"ports:\n((?: +- .*\n)+)", text)
    assert published
    for block in published:
        for line in block.splitlines():
            assert line.strip().startswith("- 127.0.0.1:"), line


def test_nothing_in_the_deployment_names_a_package_index() -> None:
    for path in (*(ROOT / "deploy").rglob("*"), ROOT / "docker-compose.yml", *(ROOT / "requirements").iterdir()):
        if path.is_file():
            assert not re.search(r"--(extra-)?index-url|--trusted-host|simple/", path.read_text()), path
