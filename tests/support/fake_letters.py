"""Dead letters in memory, behind what a desk reads them by."""

from collections.abc import AsyncGenerator, Iterable, Mapping

from tests.support.messages import T0, inference, structured

from drawdown.adapters.kafka.browsing import Place
from drawdown.domain.errors import Reject
from drawdown.engine.records import Record
from drawdown.topics import DEAD_LETTERS
from drawdown.wire.dead_letter import encode_dead_letter

SHARDS = 4


def dead(
    shard: int, offset: int, at: int = T0, code: str = "unknown_price", of: Record | None = None, ledger: str = "plans"
) -> Record:
    """Give the dead letter of a record, of an inference event without one."""
    refused = of or structured(inference(ident=f"e-{shard}-{offset}"), offset=offset)
    out = encode_dead_letter(refused, Reject(code, "why"), ledger, 1, shard)
    return Record(DEAD_LETTERS, shard, offset, at, out.key, out.value, out.headers)


class FakeBrowser:
    """Reads records; offsets without one are ends of transactions. Counts what it was asked to read."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.records: dict[Place, list[Record]] = {}
        self.ends: dict[Place, int] = {}
        self.read_offsets = 0
        for record in sorted(records, key=lambda one: one.offset):
            self.records.setdefault((record.topic, record.partition), []).append(record)
            self.ends[record.topic, record.partition] = record.offset + 2

    async def spans(self, places: Iterable[Place], since: int | None = None) -> dict[Place, tuple[int, int]]:
        found = {}
        for place in places:
            end = self.ends.get(place, 0)
            later = [one.offset for one in self.records.get(place, ()) if since is None or one.timestamp >= since]
            found[place] = (min(later, default=end), end)
        return found

    async def read(self, spans: Mapping[Place, tuple[int, int]]) -> AsyncGenerator[Record, None]:
        for place, (start, end) in spans.items():
            self.read_offsets += end - start
            for record in self.records.get(place, ()):
                if start <= record.offset < end:
                    yield record
