"""Histories made of what the ledgers put out, without a log between them."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Engine
from tests.support.domain import HOUR, T0, World, tokens
from tests.support.wallet import top_up, voucher

from drawdown.domain.commands import RequestPlan
from drawdown.domain.outputs import AccountEvent
from drawdown.domain.rated import Charge, Overage
from drawdown.domain.usage import inference_measures
from drawdown.domain.wallet.decide import decide_wallet
from drawdown.domain.wallet.model import OpenWallet, OverageDue, Wallet, WalletCharge
from drawdown.engine.records import Record
from drawdown.history.batch import Batch
from drawdown.history.charges import Charge as Read
from drawdown.history.charges import decode_charge
from drawdown.history.happenings import decode_happening
from drawdown.history.writing import Writer
from drawdown.topics import ACCOUNT_EVENTS, CHARGES, CREDIT_CHARGING
from drawdown.wire.account_event import encode_account_event
from drawdown.wire.charge import encode_charge
from drawdown.wire.overage import encode_overage
from drawdown.wire.wallet_charge import encode_wallet_charge

PARTITION = 3
MANY = 300_000_000


class Chronicle:
    """Takes the outputs of ledgers and brings them into a database."""

    def __init__(self, engine: Engine) -> None:
        self.writer = Writer(engine)
        self.charges: list[tuple[Read, Read | None]] = []
        self.events: list[bytes] = []
        self.next = {CHARGES: 0, ACCOUNT_EVENTS: 0}
        self._overages: dict[str, Read] = {}
        self._inputs = 0
        self._drawn = 0
        self.records: list[Record] = []  # of charges and overages, as a log has them

    def take(self, outputs: Iterable[object], at: int, ledger: str, account: str = "acc") -> list[Overage]:
        """Encode outputs of an input appended at `at`, as those of an account; give the overages."""
        found = []
        self._inputs += 1
        identity = self._inputs.to_bytes(16, "big")
        topic, offset = ("usage.inference", self._inputs) if ledger == "plans" else (CREDIT_CHARGING, self._drawn)
        record = Record(topic, PARTITION, offset, at, account.encode(), b"{}", ())
        for output in outputs:
            if isinstance(output, Charge):
                self._charge(_of(account, encode_charge(output, identity, record, ledger, 1)), None)
            elif isinstance(output, Overage):
                value = _of(account, encode_overage(output, identity, record, ledger, 1))
                self._drawn = len(self._overages)
                self._overages[decode_charge(value).id] = decode_charge(value)
                self.records.append(Record(CREDIT_CHARGING, PARTITION, self._drawn, at, account.encode(), value))
                found.append(output)
            elif isinstance(output, WalletCharge):
                value = _of(account, encode_wallet_charge(output, identity, record, ledger, 1))
                self._charge(value, self._overages[output.due.overage])
            elif isinstance(output, AccountEvent):
                told = encode_account_event(output, identity, record, ledger, 1, command=None)
                self.events.append(_of(account, told))
        return found

    def _charge(self, value: bytes, overage: Read | None) -> None:
        offset = self.next[CHARGES] + len(self.charges)
        self.charges.append((decode_charge(value), overage))
        self.records.append(Record(CHARGES, PARTITION, offset, T0, b"acc", value))

    def due(self, overage: Overage) -> OverageDue:
        """Give what the wallet reads of an overage."""
        usage = overage.usage
        ident = next(reversed(self._overages))
        return OverageDue(
            usage.account, overage.currency, usage.source, usage.id, usage.service, usage.resource, usage.dimensions,
            usage.time, usage.start, ident, overage.seq, overage.total,
        )  # fmt: skip

    def write(self) -> None:
        """Write what was taken, in one batch."""
        self.writer.look_up(["acc", "other", *(charge.account for charge, _ in self.charges)])
        batch = Batch(self.writer.known)
        since = self.writer.positions()
        for offset, (charge, overage) in enumerate(self.charges, self.next[CHARGES]):
            batch.charge(charge, overage, (CHARGES, PARTITION), offset, cut=False)
        for offset, event in enumerate(self.events, self.next[ACCOUNT_EVENTS]):
            batch.happening(decode_happening(event), (ACCOUNT_EVENTS, PARTITION), offset, cut=False)
        self.next[CHARGES] += len(self.charges)
        self.next[ACCOUNT_EVENTS] += len(self.events)
        batch.read = {(topic, PARTITION): (offset, T0) for topic, offset in self.next.items()}
        self.charges, self.events = [], []
        self.writer.write(batch, since)


def write_lives(engine: Engine, accounts: Sequence[str]) -> list[Record]:
    """Write a life of each account: a plan that is used up, credit that pays the rest, and a wish for more."""
    chronicle = Chronicle(engine)
    for account in accounts:
        _live(chronicle, account)
    chronicle.write()
    return chronicle.records


def _live(chronicle: Chronicle, account: str) -> None:
    world = World()
    chronicle.take(world.outputs, T0, "plans", account)
    world.activate("team", "100")
    chronicle.take(world.outputs, T0, "plans", account)
    wallet: Wallet | None = None
    for command in (OpenWallet("acc", "USD"), voucher(), top_up()):
        wallet = _decide(chronicle, account, wallet, command, T0)
    for number in range(3):
        at = T0 + number * HOUR
        half = MANY // (1 + number) // 2
        two_meters = inference_measures((half, 0, half, 0, 0, 0))
        world.use(tokens(half, at, measures=two_meters) if number == 1 else tokens(2 * half, at))
        for overage in chronicle.take(world.outputs, at, "plans", account):
            wallet = _decide(chronicle, account, wallet, chronicle.due(overage), at)
    world.apply(RequestPlan("acc", "r-1", (), "more", None, "a@b.example"), T0 + 3 * HOUR)
    chronicle.take(world.outputs, T0 + 3 * HOUR, "plans", account)


def _decide(chronicle: Chronicle, account: str, wallet: Wallet | None, body: object, at: int) -> Wallet | None:
    decision = decide_wallet(wallet, body, at, World().policy)  # type: ignore[arg-type]
    assert decision is not None
    chronicle.take(decision.outputs, at, "wallet", account)
    return decision.state


def _of(account: str, value: bytes) -> bytes:
    """Write an output of account acc as one of another."""
    return value.replace(b'"account":"acc"', f'"account":"{account}"'.encode())
