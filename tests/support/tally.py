"""A second ledger, for tests: it adds numbers. That it runs proves that the engine knows nothing of plans."""

import hashlib
import json
from collections.abc import Mapping
from typing import ClassVar

from drawdown.domain.errors import Reject
from drawdown.engine.input import Input
from drawdown.engine.outcome import Emit, Outcome
from drawdown.engine.records import Record

DAY_MS = 86_400_000


class Tally:
    """Ledger `tally`: `{"id", "add"}` on `adds` and `adds-late`, `{"id", "set", "due"}` on `tally-commands`.

    Its state is (total, applied, due). It emits the total after each input, numbered.
    """

    name: ClassVar[str] = "tally"
    rules = 1
    usage_topics: ClassVar[tuple[str, ...]] = ("adds", "adds-late")
    command_topic: ClassVar[str] = "tally-commands"
    output_topics: ClassVar[tuple[str, ...]] = ("totals",)
    watermark_to: ClassVar[tuple[str, ...]] = ()
    watermark_from: ClassVar[tuple[str, ...]] = ()

    def by_rules(self) -> Mapping[int, "Tally"]:
        """Know no other rules."""
        return {self.rules: self}

    def decode(self, record: Record) -> Input:
        """Read JSON; refuse anything else."""
        if not record.key:
            raise Reject("missing_key", "the key is the account")
        try:
            body = json.loads(record.value or b"")
        except ValueError as error:
            raise Reject("not_json", str(error)) from error
        if not isinstance(body, dict) or "id" not in body:
            raise Reject("missing_field", "id")
        if not isinstance(body.get("add", body.get("set", body.get("timer"))), int):
            raise Reject("missing_field", "add, set or timer")
        content = json.dumps(body, sort_keys=True).encode()
        return Input(
            key=record.key.decode(),
            identity=hashlib.blake2b(str(body["id"]).encode(), digest_size=16).digest(),
            content=hashlib.blake2b(content, digest_size=8).digest(),
            forget_at=record.timestamp + DAY_MS,
            appended=record.timestamp,
            body=body,
            record=record,
        )

    def decide(self, state: object | None, item: Input) -> Outcome:
        """Add or set; refuse a negative number; drop a timer that came too early."""
        total, applied, due = state if isinstance(state, tuple) else (0, 0, 0)
        body = item.body
        assert isinstance(body, dict)
        if "timer" in body:
            if not due or item.appended < due:
                return Outcome(state=state, emits=(), drop=True)
            due = 0
        elif "set" in body:
            total, due = body["set"], body.get("due", 0)
        elif body["add"] < 0:
            raise Reject("negative_quantity", f"add is {body['add']}")
        else:
            total += body["add"]
        applied += 1
        value = json.dumps({"account": item.key, "id": body["id"], "total": total, "seq": applied}).encode()
        return Outcome(state=(total, applied, due), emits=(Emit("totals", value),))

    def encode_state(self, state: object) -> bytes:
        """Give JSON."""
        return json.dumps(state).encode()

    def decode_state(self, value: bytes) -> object:
        """Read JSON."""
        return tuple(json.loads(value))

    def due(self, state: object) -> int | None:
        """Say when the state wants its timer."""
        assert isinstance(state, tuple)
        return state[2] or None

    def timer(self, key: str, due: int) -> tuple[bytes, bytes]:
        """Give the timer command."""
        return key.encode(), json.dumps({"id": f"timer:{key}:{due}", "account": key, "timer": due}).encode()

    def prices_offset(self) -> int:
        """Have no prices."""
        return 0
