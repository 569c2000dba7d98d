"""The wallet ledger and the oracle's wallets side by side: both take the same records, and what differs is told."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.support.raters import Emitted

from drawdown.domain.errors import Reject
from drawdown.domain.money import CURRENCIES
from drawdown.domain.policy import Policy
from drawdown.domain.wallet.credits import left_of
from drawdown.domain.wallet.model import Wallet
from drawdown.engine.errors import Halt
from drawdown.engine.records import Record
from drawdown.ledgers.wallet import WalletLedger
from drawdown.oracle.credit import Drawn, ToCodes
from drawdown.oracle.credit import Wallet as OracleWallet
from drawdown.oracle.reading import Refused, instant
from drawdown.oracle.wallet import WalletOracle
from drawdown.oracle.wallet_audit import OUTPUTS, _seen
from drawdown.topics import CODE_COMMANDS, CREDIT_CHARGING

POLICY = Policy.default()
FORFEIT_AFTER = POLICY.longest_window_ms + POLICY.skew_ms
GAP, DROPPED = "gap", "dropped"


@dataclass
class Step:
    """One record and what the wallet ledger made of it. code: the refusal's, GAP, DROPPED, or ""."""

    record: Record
    message: dict[str, Any]
    code: str = ""
    before: Wallet | None = None
    after: Wallet | None = None
    outputs: list[Emitted] = field(default_factory=list)
    difference: str = ""

    def said(self, topic: str) -> list[dict[str, Any]]:
        return [output.said for output in self.outputs if output.topic == topic]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [said for said in self.said("account-events") if said["kind"] == kind]


class WalletRaters:
    """Both over no wallet yet. reread: the ledger's state is encoded and read back before every input."""

    def __init__(self, *, reread: bool = False) -> None:
        self.ledger = WalletLedger(POLICY)
        self.oracle = WalletOracle(FORFEIT_AFTER)
        self.states: dict[str, Wallet] = {}
        self.sent: list[ToCodes] = []
        self._reread = reread

    def apply(self, record: Record) -> Step:
        """Let both take a record; the step's `difference` says where they disagree."""
        step = Step(record, json.loads(record.value or b""))
        self._decide(step)
        try:
            expected = self._expected(step)
        except Refused as refused:
            if refused.code != step.code:
                step.difference = f"the ledger says {step.code or step.outputs}, the oracle refuses: {refused.code}"
            return step
        if step.code == DROPPED:
            step.difference = f"dropped; the oracle says {expected}" if expected else ""
        elif step.code:
            step.difference = f"the ledger refuses: {step.code}"
        else:
            step.difference = _difference(step, expected) or self._sent(step) or self._left(step.message["account"])
        return step

    def _decide(self, step: Step) -> None:
        ledger = self.ledger
        try:
            item = ledger.decode(step.record)
            step.before = step.after = self.states.get(item.key)
            state: object | None = step.before
            if self._reread and state is not None:
                state = ledger.decode_state(ledger.encode_state(state))
            outcome = ledger.decide(state, item)
        except Reject as reject:
            step.code = reject.code
            return
        except Halt:
            step.code = GAP
            return
        if outcome.drop:
            step.code = DROPPED
            return
        assert isinstance(outcome.state, Wallet)
        step.after = self.states[item.key] = outcome.state
        step.outputs = [Emitted(emit.topic, emit.value, json.loads(emit.value)) for emit in outcome.emits]

    def _expected(self, step: Step) -> list[Drawn]:
        """Ask the oracle: about what was dropped, on a copy, for it did not happen."""
        message, oracle = step.message, self.oracle
        if step.code == DROPPED:
            oracle = copy.deepcopy(oracle)
        if step.record.topic != CREDIT_CHARGING:
            return oracle.command(message, step.record.timestamp)
        wallet = oracle.wallets.get(message["account"])
        if wallet is not None and message["seq"] <= wallet.overage_seq:
            return []  # taken before
        return oracle.draw(message, step.record.timestamp)

    def _sent(self, step: Step) -> str:
        """Compare what the codes ledger is told."""
        self.sent += [_told_to_codes(said) for said in step.said(CODE_COMMANDS)]
        wanted = self.oracle.to_codes
        return "" if self.sent == wanted else f"the codes ledger is told {self.sent}, the oracle says {wanted}"

    def _left(self, name: str) -> str:
        """Compare what is left in every source, and the numbers."""
        held, told = _held(self.states[name]), _told(self.oracle.wallets[name])
        return "" if held == told else f"the wallet holds {held}, the oracle says {told}"


def _told_to_codes(said: dict[str, Any]) -> ToCodes:
    what = instant(said["at"]) if said["command"] == "claim_code" else said["granted"]
    return ToCodes(said["command"], said["account"], said["redemption"], said["code"], what)


def _difference(step: Step, expected: list[Drawn]) -> str:
    for topic in OUTPUTS:
        told = [_seen(topic, said) for said in step.said(topic)]
        wanted = [one for one in expected if one.topic == topic]
        if told != wanted:
            return f"{topic}: the ledger says {told}, the oracle {wanted}"
    return ""


def _held(wallet: Wallet) -> dict[str, Fraction]:
    scale = 10 ** CURRENCIES[wallet.currency].quantum_digits
    held = {"debt": Fraction(wallet.debt, scale), "applied": Fraction(wallet.applied)}
    held |= {"debt limit": Fraction(wallet.debt_limit, scale)} if wallet.debt_limit is not None else {}
    held |= {f"voucher {one.id}": Fraction(left_of(one), scale) for one in wallet.vouchers}
    return held | {f"top-up {one.id}": Fraction(one.amount - one.spent, scale) for one in wallet.top_ups}


def _told(wallet: OracleWallet) -> dict[str, Fraction]:
    told = {"debt": wallet.debt, "applied": Fraction(wallet.applied)}
    told |= {"debt limit": wallet.debt_limit} if wallet.debt_limit is not None else {}
    told |= {f"voucher {one.name}": one.left for one in wallet.vouchers if one.left and not one.closed}
    return told | {f"top-up {one.name}": one.left for one in wallet.top_ups if one.left}


def applied_all(records: Sequence[Record], *, reread: bool = False) -> list[Step]:
    """Let two fresh ones take all records in order, up to the one that would stop the shard."""
    raters = WalletRaters(reread=reread)
    steps: list[Step] = []
    for record in records:
        steps.append(raters.apply(record))
        if steps[-1].code == GAP:
            break
    return steps


def differences(steps: Sequence[Step]) -> list[str]:
    return [f"{step.record.value!r}: {step.difference}" for step in steps if step.difference]
