"""The replayed states against the newest ones on the changelog, byte for byte."""

from collections.abc import Mapping

from drawdown.engine.changelog import decode_state_write
from drawdown.engine.ledger import Ledger
from drawdown.verify.changelog import Newest, digest_of
from drawdown.verify.report import EQUIVALENCE, Finding, Report, parted
from drawdown.verify.source import Source


async def compare(
    source: Source, ledger: Ledger, shard: int, states: Mapping[str, object], newest: Newest, report: Report
) -> None:
    """Find every account whose state or due time on the changelog is not what the replay came to."""
    topic = f"changelog.{ledger.name}"

    def find(account: str, offset: int | None, expected: str, found: str) -> None:
        report.find(Finding(EQUIVALENCE, ledger.name, topic, shard, offset, account, expected, found))

    for account, state in states.items():
        report.counts["states"] += 1
        value = ledger.encode_state(state)
        stored = newest.states.get(account)
        if stored is None:
            find(account, None, "its state", "none on the changelog")
            continue
        if stored.digest != digest_of(value):
            held = b""
            async for record in source.read((topic, shard), stored.offset, stored.offset + 1):
                held = decode_state_write(record.key, record.value).value
            find(account, stored.offset, *(f"the state {part}" for part in parted(value, held)))
        if stored.due != ledger.due(state):
            find(account, stored.offset, f"due {ledger.due(state)}", f"due {stored.due}")
    for account in newest.states.keys() - states.keys():
        find(account, newest.states[account].offset, "no state: no input led to one", "a state")
