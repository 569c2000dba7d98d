"""What `drawdown send` makes of a file, and what it says about a bad one."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.messages import T0, container, inference
from typer.testing import CliRunner

from drawdown.cli.app import app
from drawdown.cli.send import Given, read_event
from drawdown.domain.errors import REASONS
from drawdown.errors import BadInput
from drawdown.publish.remedies import REMEDIES

NOTHING = Given("", "", "", "", "")
MERE = Given("inference", "acme", "call-1", "", "2026-11-24T10:15:00Z")
DATA = {"endpoint": "chat", "model": "Q", "input_tokens": 3}


def said(value: object, given: Given = NOTHING) -> str:
    with pytest.raises(BadInput) as refused:
        read_event(value if isinstance(value, bytes) else json.dumps(value).encode(), given)
    return str(refused.value)


def test_a_whole_event_is_sent_byte_for_byte() -> None:
    value = json.dumps(container(), indent=2).encode()
    event = read_event(value, NOTHING)
    assert (event.topic, event.account, event.value) == ("usage.gpu-container", "acc", value)


def test_mere_data_becomes_an_event() -> None:
    event = read_event(json.dumps(DATA).encode(), MERE)
    assert (event.topic, event.source, event.id) == ("usage.inference", "/inference", "call-1")
    assert json.loads(event.value)["time"] == "2026-11-24T10:15:00Z"


def test_the_end_of_the_interval_is_the_time_and_the_id_is_made() -> None:
    given = Given("gpu-container", "acme", "", "/here", "")
    event = read_event(json.dumps(container()["data"]).encode(), given)
    assert json.loads(event.value)["time"] == "2026-01-01T01:00:00.000Z"
    assert len(event.id) == 32


@pytest.mark.parametrize(
    ("value", "given", "words"),
    [
        (b"{", NOTHING, "not_json: "),
        ([], NOTHING, "wrong_type: one event is a JSON object"),
        (DATA, NOTHING, "--service and --account must be given"),
        (inference(), MERE, "leave out --service, --account, --id, --time"),
        (inference(input_tokens=-1), NOTHING, "negative_quantity: input_tokens is -1"),
        (inference() | {"type": "x"}, NOTHING, "unknown_type: type 'x'"),
        (DATA | {"input_tokens": "3"}, MERE, "wrong_type: Expected `int`, got `str` - at `$.input_tokens`; counts are"),
        ({"container": "c"}, Given("gpu-container", "acme", "", "", ""), "missing_field: "),
    ],
)
def test_bad_input_is_told_with_code_and_remedy(value: Any, given: Given, words: str) -> None:
    assert words in said(value, given)


def test_bad_input_is_exit_code_2_and_needs_no_kafka(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(inference(T0, input_tokens=-1)))
    for arguments in (["send", str(file)], ["send", str(tmp_path / "none.json")]):
        done = CliRunner().invoke(app, arguments)
        assert isinstance(done.exception, BadInput)
        assert done.exception.exit_code == 2


def test_every_code_has_its_remedy() -> None:
    assert set(REMEDIES) < REASONS
