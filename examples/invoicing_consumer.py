"""An invoicing consumer: sums charges, survives being killed, and proves that it missed and doubled nothing.

Usage: python invoicing_consumer.py BROKERS STATE_FILE [TOPIC] [--once]. Plain aiokafka. The totals, one integer an
account and ledger (the newest seq) and the offsets are written together, in one SQLite transaction.
"""

import asyncio
import json
import sqlite3
import sys
from decimal import Decimal

from aiokafka import AIOKafkaConsumer, TopicPartition

TABLES = """
CREATE TABLE IF NOT EXISTS offsets (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS seqs (account TEXT, ledger TEXT, seq INTEGER NOT NULL, PRIMARY KEY (account, ledger));
CREATE TABLE IF NOT EXISTS totals (account TEXT, service TEXT, payer TEXT, currency TEXT, amount TEXT NOT NULL,
                                   PRIMARY KEY (account, service, payer, currency));
"""


def take(state: sqlite3.Connection, charge: dict) -> None:
    """Add a charge to the totals; stop when one is missing before it. One that was taken before cannot come again."""
    who = charge["account"], charge["ledger"]
    row = state.execute("SELECT seq FROM seqs WHERE account = ? AND ledger = ?", who).fetchone() or [0]
    expected = row[0] + 1
    if charge["seq"] != expected:
        raise SystemExit(f"account {who[0]}, ledger {who[1]}: charge {charge['seq']} came where {expected} was due")
    state.execute("INSERT OR REPLACE INTO seqs VALUES (?, ?, ?)", (*who, expected))
    for line in charge["lines"]:
        key = charge["account"], charge["event"]["service"], line["payer"]["kind"], charge["currency"]
        where = "account = ? AND service = ? AND payer = ? AND currency = ?"
        row = state.execute(f"SELECT amount FROM totals WHERE {where}", key).fetchone() or ["0"]
        amount = Decimal(row[0]) + Decimal(line["amount"])
        state.execute("INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?, ?)", (*key, str(amount)))


async def consume(brokers: str, state: sqlite3.Connection, topic: str, *, once: bool) -> None:
    """Take charges from where the state file stands; with `once`, up to the end as of now."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers, isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="none"
    )
    await consumer.start()
    try:
        await consumer._client.set_topics([topic])  # noqa: SLF001  so that its partitions are known
        places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        known = dict(state.execute("SELECT partition, next FROM offsets"))
        earliest = await consumer.beginning_offsets(places)
        consumer.assign(places)
        for place in places:
            consumer.seek(place, known.get(place.partition, earliest[place]))
        ends = await consumer.end_offsets(places)
        while not once or any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                with state:  # totals, seqs and offset: all or nothing
                    for record in records:
                        take(state, json.loads(record.value))
                    after = place.partition, records[-1].offset + 1
                    state.execute("INSERT OR REPLACE INTO offsets VALUES (?, ?)", after)
    finally:
        await consumer.stop()


def main() -> None:
    """Consume, then print the totals."""
    once = "--once" in sys.argv
    brokers, file, topic = ([*(word for word in sys.argv[1:] if word != "--once"), "charges"])[:3]
    state = sqlite3.connect(file)
    state.executescript(TABLES)
    asyncio.run(consume(brokers, state, topic, once=once))
    for row in state.execute("SELECT * FROM totals ORDER BY account, service, payer"):
        print(*row)
    charges, seqs = state.execute("SELECT coalesce(sum(seq), 0), count(*) FROM seqs").fetchone()
    print(f"{charges} charges of {seqs} accounts and ledgers, each numbered from 1 without a gap")


if __name__ == "__main__":
    main()
