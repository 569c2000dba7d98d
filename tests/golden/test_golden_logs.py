"""What was put in once gives the bytes that it gave then: every golden log is replayed through today's ledgers."""

from itertools import product
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.golden.log import FOLDER, RULES, Begin, BookLine, Line, Taken, file_of, read

from drawdown.domain.errors import Reject
from drawdown.domain.policy import Policy
from drawdown.domain.prices import Prices
from drawdown.engine.errors import Halt
from drawdown.engine.ledger import Ledger
from drawdown.engine.records import Record
from drawdown.ledgers.codes import CodesLedger
from drawdown.ledgers.plans import PlansLedger
from drawdown.ledgers.wallet import WalletLedger
from drawdown.scenario.world import told_of_book
from drawdown.wire.price_book import decode_book

ADVICE = "raise RULES in src/drawdown/ledgers and run `make golden`, or mend the code"
FILES = sorted(FOLDER.glob("*.jsonl.gz"))
LEDGERS: tuple[Ledger, ...] = (PlansLedger(Prices(), Policy.default()), WalletLedger(Policy.default()), CodesLedger())
NAMES = [ledger.name for ledger in LEDGERS]
KNOWN = [dict(zip(NAMES, rules, strict=True)) for rules in product(*(ledger.by_rules() for ledger in LEDGERS))]


class Replay:
    """Ledgers that take a golden log's lines, and what differs."""

    def __init__(self, rules: dict[str, int] = RULES) -> None:
        self._rules = rules
        self.different: list[str] = []
        self.taken = 0
        self._begin(Begin("", {}))

    def take(self, line: Line) -> None:
        if isinstance(line, Begin):
            self._begin(line)
        elif isinstance(line, BookLine):
            told_of_book(self._prices, decode_book(line.value.encode()), line.appended)
        else:
            self._record(line)

    def _begin(self, line: Begin) -> None:
        policy = replace(Policy.default(), increments=line.increments)
        self._name, self._prices = line.name, Prices()
        made: tuple[Ledger, ...] = (PlansLedger(self._prices, policy), WalletLedger(policy), CodesLedger())
        self._ledgers = {ledger.name: ledger.by_rules()[self._rules[ledger.name]] for ledger in made}
        self._states: dict[tuple[str, str], object] = {}
        self._known: dict[tuple[str, bytes], bytes] = {}

    def _record(self, line: Taken) -> None:
        self.taken += 1
        why, outputs = self._decided(line)
        if (why, outputs) == (line.why, line.outputs):
            return
        where = f"{self._name}: {line.ledger} took {line.topic} {line.value[:200]}"
        if why != line.why:
            self.different.append(f"{where}\n  was {line.why or 'applied'}, is {why or 'applied'}")
            return
        for number, (held, came) in enumerate(zip([*line.outputs, None], [*outputs, None], strict=False)):
            if held != came:
                self.different.append(f"{where}\n  output {number + 1} was {held}\n  is {came}")
                return

    def _decided(self, line: Taken) -> tuple[str, list[tuple[str, str, str]]]:
        ledger = self._ledgers[line.ledger]
        record = Record(line.topic, 0, line.offset, line.appended, line.key.encode(), line.value.encode())
        try:
            item = ledger.decode(record)
            held = self._known.get((ledger.name, item.identity))
            if held is not None:
                return ("duplicate" if held == item.content else "id_conflict"), []
            outcome = ledger.decide(self._states.get((ledger.name, item.key)), item)
        except Reject as reject:
            return reject.code, []
        except Halt:
            return "halt", []
        if outcome.drop:
            return "dropped", []
        if outcome.state is not None:
            self._states[ledger.name, item.key] = outcome.state
        if item.remember:
            self._known[ledger.name, item.identity] = item.content
        key = line.key
        return "", [(one.topic, (one.key or key.encode()).decode(), one.value.decode()) for one in outcome.emits]


def test_todays_rules_have_a_golden_log() -> None:
    assert file_of(RULES) in FILES, f"there is none of {RULES}: run `make golden`"


@pytest.mark.parametrize(
    "rules", [rules for rules in KNOWN if file_of(rules) in FILES], ids=lambda rules: file_of(rules).name
)
def test_old_input_gives_the_same_bytes_by_the_rules_of_its_time(rules: dict[str, int]) -> None:
    replay = Replay(rules)
    for line in read(file_of(rules)):
        replay.take(line)
    assert replay.taken > 1_500
    told = "\n".join(replay.different[:5])
    assert not replay.different, f"{len(replay.different)} records give other bytes; {ADVICE}. The first:\n{told}"


@pytest.mark.parametrize("file", [file for file in FILES if file != file_of(RULES)], ids=lambda file: file.name)
def test_input_of_older_rules_is_still_read(file: Path) -> None:
    """Under today's rules bytes may differ; what was applied is still understood, and not refused for its form."""
    replay = Replay()
    for line in read(file):
        replay.take(line)
    form = ("is not_json", "is wrong_type", "is missing_field", "is unknown_version", "is unknown_type")
    assert [told for told in replay.different if "was applied" in told and told.endswith(form)] == []


def test_a_changed_byte_is_told_with_its_input_and_what_to_do() -> None:
    replay = Replay()
    for line in read(file_of(RULES)):
        changed = isinstance(line, Taken) and not replay.different and bool(line.outputs)
        if changed and isinstance(line, Taken):
            (topic, key, value), *others = line.outputs
            line = replace(line, outputs=[(topic, key, value.replace("1", "2")), *others])  # noqa: PLW2901
        replay.take(line)
        if changed:
            break
    (told,) = replay.different
    assert "output 1 was" in told
    assert "took plan-commands" in told
