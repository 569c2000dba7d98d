"""The schemas are those of the definitions; examples and messages of released versions are read as they say."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from drawdown import schemas
from drawdown.domain.errors import Reject
from drawdown.domain.limits import BOOK_LEAD_MS
from drawdown.domain.policy import Policy
from drawdown.domain.prices import BookError, Prices
from drawdown.engine.ledger import Ledger
from drawdown.engine.records import Record
from drawdown.ledgers.codes import CodesLedger
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.topics import CODE_COMMANDS, PRICES, WALLET_COMMANDS
from drawdown.wire.dead_letter import encode_dead_letter
from drawdown.wire.price_book import decode_book
from drawdown.wire.registry import MESSAGES, Message

FOLDER = Path(__file__).parents[3] / "schemas"
BY_NAME = {message.name: message for message in MESSAGES}
APPENDED = 1_767_225_600_000 + BOOK_LEAD_MS
# what only the service refuses: no schema says it
BEYOND_SCHEMAS = {"backwards", "less-than-nothing", "finer-than-thousandths", "time-in-words", "due-in-words",
                  "dreamed-tokens", "split-and-amount", "no-amount", "a-service-not-in-the-catalogue",
                  "a-meter-nobody-has", "months-and-years", "first-by-amount-and-percent",
                  "until-tomorrow", "two-expiries", "refused-with-terms", "renews-and-replaces",
                  "when-of-nothing", "descending-tiers", "a-last-tier-with-a-bound"}  # fmt: skip


def files(*where: str) -> list[Path]:
    found = sorted(FOLDER.joinpath(*where).glob("*/*.json"))
    assert found
    return found


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def validator(message: Message) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / message.file).read_text()))


def read(message: Message, said: dict[str, Any]) -> None:
    """Read a message as the service does, from each of its topics; raise Reject or BookError."""
    value = json.dumps(said).encode()
    if message.direction == "out":
        try:
            msgspec.json.decode(value, type=message.definition, strict=True)
        except msgspec.ValidationError as error:
            raise Reject("wrong_type", str(error)) from error
        return
    key = str(said.get("subject", said.get("account", ""))).encode()
    codes = CODE_COMMANDS in message.topics
    key = str(said.get("code", "")).encode() if codes else key
    for topic in message.topics:
        if topic == PRICES:
            decode_book(value)
            continue
        credit: Ledger = CodesLedger() if codes else WalletLedger(Policy.default())
        ledger = credit if topic in {WALLET_COMMANDS, CODE_COMMANDS} else PlansLedger(Prices(), Policy.default())
        ledger.decode(Record(topic, 0, 0, APPENDED, key, value))


def test_they_are_up_to_date() -> None:
    assert schemas.stale(FOLDER) == []


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_every_message_has_a_sound_schema_and_a_valid_example(message: Message) -> None:
    Draft202012Validator.check_schema(json.loads((FOLDER / message.file).read_text()))
    assert list((FOLDER / "examples" / "valid" / message.name).glob("*.json"))


@pytest.mark.parametrize("path", files("examples", "valid"), ids=named)
def test_a_valid_example_is_valid_and_read(path: Path) -> None:
    message, said = BY_NAME[path.parent.name], json.loads(path.read_text())
    validator(message).validate(said)
    read(message, said)


@pytest.mark.parametrize("path", files("examples", "invalid"), ids=named)
def test_an_invalid_example_is_refused_under_its_code(path: Path) -> None:
    message, said = BY_NAME[path.parent.name], json.loads(path.read_text())
    code, _, what = path.stem.partition("-")
    with pytest.raises((Reject, BookError)) as refused:
        read(message, said)
    assert str(refused.value).startswith(f"{code}: ")
    assert validator(message).is_valid(said) == (what in BEYOND_SCHEMAS)


@pytest.mark.parametrize("path", files("released", "1"), ids=named)
def test_messages_of_released_versions_are_still_read(path: Path) -> None:
    read(BY_NAME[path.parent.name], json.loads(path.read_text()))


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = json.loads((FOLDER / schemas.ASYNCAPI).read_text())
    assert document["asyncapi"] == "3.0.0"
    references = list(_references(document))
    assert len(references) > len(MESSAGES)
    for reference in references:
        if not reference.startswith("#/"):
            assert (FOLDER / reference).is_file(), reference
            continue
        at = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]


def test_every_channel_is_a_topic_with_an_operation_and_keyed_messages() -> None:
    document = json.loads((FOLDER / schemas.ASYNCAPI).read_text())
    assert set(document["channels"]) == set(document["operations"])
    for message in document["components"]["messages"].values():
        assert message["bindings"]["kafka"]["key"]["description"]


def _references(part: Any) -> Any:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def test_the_headers_of_dead_letters_are_those_of_the_document() -> None:
    refused = Record("usage.inference", 3, 7, 1_000, b"acme", b"{", (("ce_id", b"1"),))
    letter = encode_dead_letter(refused, Reject("not_json", "why"), "plans", 1, 3)
    documented = schemas.asyncapi()["components"]["messages"]["dead-letter"]["headers"]
    names = [name for name, _ in letter.headers if not name.startswith("original-")]
    assert [name for name in names if name != "key"] == documented["required"]
