"""The codes ledger: keyed by a code's hash, it gives each code to one redemption at most."""

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from drawdown.domain.codes.decide import decide_code
from drawdown.domain.codes.model import Code, CodeCommand
from drawdown.domain.limits import COMMAND_MEMORY_MS
from drawdown.engine.input import Input
from drawdown.engine.outcome import Emit, Outcome
from drawdown.engine.records import Record
from drawdown.topics import CODE_COMMANDS, WALLET_COMMANDS
from drawdown.wire.code_commands import decode_code_command
from drawdown.wire.identity import content_of, identity_of, output_id
from drawdown.wire.redeeming import encode_answer

RULES: Final = 1
KNOWN_RULES: Final = frozenset({RULES})  # those of earlier releases stay for as long as a log that they made is kept
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Code).decode
_encode_json: Final = msgspec.json.Encoder().encode


class CodesLedger:
    """The reducer of codes over domain and wire; see engine/ledger.py for what each method promises."""

    name: ClassVar[str] = "codes"
    usage_topics: ClassVar[tuple[str, ...]] = ()
    command_topic: ClassVar[str] = CODE_COMMANDS
    output_topics: ClassVar[tuple[str, ...]] = (WALLET_COMMANDS,)
    watermark_to: ClassVar[tuple[str, ...]] = ()
    watermark_from: ClassVar[tuple[str, ...]] = ()

    def __init__(self, rules: int = RULES) -> None:
        """Decide by these rules."""
        self.rules = rules

    def by_rules(self) -> Mapping[int, "CodesLedger"]:
        """Give the same ledger by each of the rules that it knows."""
        return {rules: CodesLedger(rules) for rules in KNOWN_RULES}

    def decode(self, record: Record) -> Input:
        """Read a command."""
        command, ident = decode_code_command(record)
        return Input(
            key=command.code,
            identity=identity_of("code-command", command.code, ident),
            content=content_of((type(command).__name__, command)),
            forget_at=record.timestamp + COMMAND_MEMORY_MS,
            appended=record.timestamp,
            body=command,
            record=record,
        )

    def decide(self, state: object | None, item: Input) -> Outcome:
        """Apply a command to its code; an answer goes to the partition of the account that asked."""
        body: CodeCommand = item.body  # type: ignore[assignment]
        decision = decide_code(state, body)  # type: ignore[arg-type]
        if decision is None:
            return Outcome(state=state, emits=(), drop=True)
        emits: tuple[Emit, ...] = ()
        answer = decision.answer
        if answer is not None:
            value = encode_answer(answer, output_id(item.identity, self.name, "answer"))
            to = answer.account.encode()
            emits = (Emit(WALLET_COMMANDS, value, timestamp=item.record.timestamp, key=to),)
        return Outcome(decision.state, emits, _encode_json({"refused": None}), grew=decision.state is not None)

    def encode_state(self, state: object) -> bytes:
        """Give MessagePack."""
        return _encode(state)

    def decode_state(self, value: bytes) -> object:
        """Read MessagePack."""
        return _decode(value)

    def due(self, state: object) -> int | None:  # noqa: ARG002  a code's window is judged when it is tried
        """Say that time alone does nothing to a code."""
        return None

    def timer(self, key: str, due: int) -> tuple[bytes, bytes]:
        """Send no timers: nothing is ever due."""
        msg = f"a code has no timers, and one was due at {due} for a key of {len(key)} characters"
        raise NotImplementedError(msg)

    def prices_offset(self) -> int:
        """Have no prices: the plans ledger alone prices."""
        return 0
