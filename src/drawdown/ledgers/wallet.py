"""The wallet ledger: draws overage from vouchers, then top-ups, then debt."""

from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

import msgspec

from drawdown.domain.errors import Broken
from drawdown.domain.limits import COMMAND_MEMORY_MS
from drawdown.domain.outputs import AccountEvent
from drawdown.domain.policy import Policy
from drawdown.domain.wallet.decide import decide_wallet, due_of_wallet
from drawdown.domain.wallet.model import (
    ClaimCode,
    OverageDue,
    SettleCode,
    Wallet,
    WalletCharge,
    WalletCommand,
    WalletOutput,
)
from drawdown.engine.errors import Halt
from drawdown.engine.input import Input
from drawdown.engine.outcome import Emit, Outcome
from drawdown.engine.records import Record
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CODE_COMMANDS, CREDIT_CHARGING, WALLET_COMMANDS
from drawdown.wire.account_event import encode_account_event
from drawdown.wire.identity import content_of, identity_of, output_id
from drawdown.wire.instants import format_instant
from drawdown.wire.overage_due import decode_overage_due
from drawdown.wire.redeeming import encode_to_codes
from drawdown.wire.wallet_charge import encode_wallet_charge
from drawdown.wire.wallet_commands import decode_wallet_command

RULES: Final = 1
KNOWN_RULES: Final = frozenset({RULES})  # those of earlier releases stay for as long as a log that they made is kept
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Wallet).decode
_encode_json: Final = msgspec.json.Encoder().encode


class Issued(NamedTuple):
    """A command with its idempotency key."""

    command: WalletCommand
    id: str


class WalletLedger:
    """The reducer of wallets over domain and wire; see engine/ledger.py for what each method promises."""

    name: ClassVar[str] = "wallet"
    usage_topics: ClassVar[tuple[str, ...]] = (CREDIT_CHARGING,)
    command_topic: ClassVar[str] = WALLET_COMMANDS
    output_topics: ClassVar[tuple[str, ...]] = (CHARGES, ACCOUNT_EVENTS, CODE_COMMANDS)
    watermark_to: ClassVar[tuple[str, ...]] = ()
    watermark_from: ClassVar[tuple[str, ...]] = (CREDIT_CHARGING,)

    def __init__(self, policy: Policy, rules: int = RULES) -> None:
        """Forfeit vouchers by the accept windows of this policy, and decide by these rules."""
        self.rules = rules
        self._policy = policy

    def by_rules(self) -> Mapping[int, "WalletLedger"]:
        """Give the same ledger by each of the rules that it knows."""
        return {rules: WalletLedger(self._policy, rules) for rules in KNOWN_RULES}

    def decode(self, record: Record) -> Input:
        """Read an overage or a command. Overages are known again by their seq, not by their id."""
        if record.topic == WALLET_COMMANDS:
            command, ident = decode_wallet_command(record)
            return Input(
                key=command.account,
                identity=identity_of("wallet-command", command.account, ident),
                content=content_of((type(command).__name__, command)),
                forget_at=record.timestamp + COMMAND_MEMORY_MS,
                appended=record.timestamp,
                body=Issued(command, ident),
                record=record,
            )
        due = decode_overage_due(record)
        return Input(
            key=due.account,
            identity=identity_of("usage", due.source, due.event),
            content=content_of(due),
            forget_at=0,
            appended=record.timestamp,
            body=due,
            record=record,
            remember=False,
            service=due.service,
        )

    def decide(self, state: object | None, item: Input) -> Outcome:
        """Apply an input to its wallet; raise Halt when an overage is missing before this one."""
        body = item.body
        issued = body if isinstance(body, Issued) else None
        subject: OverageDue | WalletCommand = body.command if isinstance(body, Issued) else body  # type: ignore[assignment]
        try:
            decision = decide_wallet(state, subject, item.appended, self._policy)  # type: ignore[arg-type]
        except Broken as broken:
            record = item.record
            raise Halt(f"{record.topic}/{record.partition} offset {record.offset}: {broken}") from broken
        if decision is None:
            return Outcome(state=state, emits=(), drop=True)
        emits = tuple([self._emit(output, item, issued) for output in decision.outputs])
        if issued is None:
            return Outcome(decision.state, emits, amounts=_amounts(decision.outputs))
        return Outcome(decision.state, emits, _result(decision.state, decision.outputs), grew=True)

    def _emit(self, output: WalletOutput, item: Input, issued: Issued | None) -> Emit:
        record = item.record
        if isinstance(output, AccountEvent):
            command = issued.id if issued else None
            value = encode_account_event(output, item.identity, record, self.name, self.rules, command=command)
            return Emit(ACCOUNT_EVENTS, value)
        if isinstance(output, ClaimCode | SettleCode):
            value = encode_to_codes(output, output_id(item.identity, self.name, type(output).__name__))
            return Emit(CODE_COMMANDS, value, timestamp=record.timestamp, key=output.code.encode())
        return Emit(CHARGES, encode_wallet_charge(output, item.identity, record, self.name, self.rules))

    def encode_state(self, state: object) -> bytes:
        """Give MessagePack."""
        return _encode(state)

    def decode_state(self, value: bytes) -> object:
        """Read MessagePack."""
        return _decode(value)

    def due(self, state: object) -> int | None:
        """Say when time next does something to the wallet."""
        return due_of_wallet(state, self._policy)  # type: ignore[arg-type]

    def timer(self, key: str, due: int) -> tuple[bytes, bytes]:
        """Give the timer command for a wallet."""
        command = {
            "command": "timer",
            "version": 1,
            "id": f"timer:{due}",
            "account": key,
            "due": format_instant(due),
        }
        return key.encode(), _encode_json(command)

    def prices_offset(self) -> int:
        """Have no prices: the plans ledger alone prices."""
        return 0


def _amounts(outputs: tuple[WalletOutput, ...]) -> list[tuple[tuple[str, str, str], int]]:
    """Give what was drawn by service, payer and currency."""
    return [
        ((output.due.service, payment.kind, output.due.currency), payment.amount)
        for output in outputs
        if isinstance(output, WalletCharge)
        for payment in output.payments
    ]


def _result(state: Wallet, outputs: tuple[WalletOutput, ...]) -> bytes:
    """Give a command's result, kept with its id: the applied number, and the code if it was refused."""
    refused = next((out.code for out in outputs if isinstance(out, AccountEvent) and out.code), None)
    return _encode_json({"applied": state.applied, "refused": refused})
