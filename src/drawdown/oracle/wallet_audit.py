"""Checks the wallet ledger's part of a log: each overage drawn once, from the right sources, all credit conserved."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from drawdown.oracle.audit import Applied, Audit, Position, Record, applied_by, number
from drawdown.oracle.credit import Drawn, Paid, Wallet
from drawdown.oracle.reading import Refused, read_json
from drawdown.oracle.wallet import WalletOracle

NUMBERS = {"low_balance", "debt_limit_reached"}  # kinds whose reason is an amount
OUTPUTS = ("charges", "account-events")
INPUTS = ("credit-charging", "wallet-commands")


def audit_wallet(log: Mapping[str, Iterable[Record]], oracle: WalletOracle, found: Audit) -> None:
    """Check the wallet's outputs and add to what the audit of the plans ledger has found."""
    inputs = {
        (record.topic, record.partition, record.offset): record
        for topic in INPUTS
        for record in log[topic]
        if record.value  # a record without value only carries the watermark
    }
    applied = applied_by("wallet", OUTPUTS, log, found)
    letters = _dead_letters(log["dead-letters"], inputs, found)
    used: dict[tuple[str, str], Position] = {}
    for account, entries in applied.items():
        _replay(account, entries, inputs, used, oracle, found)
    _every_input_accounted(inputs, used, letters, found)
    _conserved(applied, inputs.values(), oracle, found)


def _replay(
    account: str,
    entries: dict[int, Applied],
    inputs: Mapping[Position, Record],
    used: dict[tuple[str, str], Position],
    oracle: WalletOracle,
    found: Audit,
) -> None:
    for place in range(1, len(entries) + 1):
        entry = entries.get(place)
        record = inputs.get(entry.position) if entry else None
        if entry is None or record is None:
            found.note(f"wallet {account}: applied number {place} is missing, or its input is not in the log")
            return
        message = read_json(record.value or b"")
        where = f"wallet {account} applied {place} from {entry.position}"
        if _identity(record, message) in used:
            found.note(f"{where}: applied twice")
        used[_identity(record, message)] = entry.position
        try:
            overage = record.topic == "credit-charging"
            expected = oracle.draw(message, record.timestamp) if overage else oracle.command(message, record.timestamp)
        except Refused as refused:
            found.note(f"{where}: accepted; the oracle refuses it: {refused.code}")
            return
        for topic in OUTPUTS:
            told = [_seen(topic, output) for output in entry.outputs.get(topic, ())]
            wanted = [one for one in expected if one.topic == topic]
            if told != wanted:
                found.note(f"{where}: {topic} holds {told}, the oracle says {wanted}")
        for one in expected:
            found.counts[one.kind] += bool(one.kind)


def _identity(record: Record, message: dict[str, Any]) -> tuple[str, str]:
    return f"{record.topic} {message['account']}", str(message["id"])


def _seen(topic: str, output: dict[str, Any]) -> Drawn:
    if topic == "account-events":
        kind, amount, told = output["kind"], number(output["amount"]), output["reason"] or ""
        reason = number(told) if kind in NUMBERS else told
        return Drawn(topic, kind, credit=output["credit"], code=output["code"], amount=amount, reason=reason)
    paid = tuple(
        Paid(
            line["payer"]["kind"],
            line["payer"]["id"],
            number(line["amount"]),
            number(balance["before"]),
            number(balance["after"]),
        )
        for line, balance in zip(output["lines"], output["balances"], strict=True)
    )
    return Drawn(topic, event=output["event"]["id"], paid=paid)


def _dead_letters(letters: Iterable[Record], inputs: Mapping[Position, Record], found: Audit) -> dict[Position, str]:
    seen: dict[Position, str] = {}
    for letter in letters:
        headers = dict(letter.headers)
        if headers["ledger"] != b"wallet":
            continue
        position = headers["topic"].decode(), int(headers["partition"]), int(headers["offset"])
        record = inputs.get(position)
        seen[position] = headers["reason"].decode()
        found.dead_letters[seen[position]] += 1
        if record is None or record.topic == "credit-charging":
            found.note(f"a dead letter of the wallet points at {position}, which is no command in the log")
        elif hashlib.sha256(record.value or b"").hexdigest().encode() != headers["sha256"]:
            found.note(f"the dead letter of {position} has other bytes than the command")
    return seen


def _every_input_accounted(
    inputs: Mapping[Position, Record],
    used: Mapping[tuple[str, str], Position],
    letters: Mapping[Position, str],
    found: Audit,
) -> None:
    at = set(used.values())
    for position, record in inputs.items():
        if position in at or position in letters:
            continue
        message = read_json(record.value or b"")
        repeated = record.topic == "wallet-commands" and _identity(record, message) in used
        if not repeated and message.get("command") != "timer":
            found.note(f"{position} has no outcome in the wallet ledger")


def _conserved(
    applied: Mapping[str, dict[int, Applied]], inputs: Iterable[Record], oracle: WalletOracle, found: Audit
) -> None:
    """Check every source: granted = remaining + spent + forfeited (or paid to debt, or taken back)."""
    events = (
        output for entries in applied.values() for one in entries.values() for output in one.outputs["account-events"]
    )
    refused = {(event["account"], event["credit"]) for event in events if event["kind"] == "overage_refused"}
    due: dict[str, Fraction] = defaultdict(Fraction)
    for record in inputs:
        if record.topic == "credit-charging":
            overage = read_json(record.value or b"")
            if (overage["account"], overage["id"]) not in refused:
                due[overage["account"]] += number(overage["total"])
    for name, entries in applied.items():
        wallet = oracle.wallets.get(name)
        if wallet is None:
            continue
        spent: dict[tuple[str, str | None], Fraction] = defaultdict(Fraction)
        for output in (output for entry in entries.values() for output in entry.outputs["charges"]):
            for line in output["lines"]:
                payer, amount = line["payer"], number(line["amount"])
                spent[payer["kind"], payer["id"]] += amount
                found.spent[wallet.currency, output["event"]["service"], payer["kind"]] += amount
        owed = due[name]
        if sum(spent.values()) != owed:
            found.note(f"wallet {name}: {owed} was due, {sum(spent.values())} is drawn")
        _check_sources(name, wallet, spent, found)


def _check_sources(name: str, wallet: Wallet, spent: Mapping[tuple[str, str | None], Fraction], found: Audit) -> None:
    zero = Fraction(0)
    for voucher in wallet.vouchers:
        if voucher.amount != spent.get(("voucher", voucher.name), zero) + (voucher.forfeited or voucher.left):
            found.note(f"voucher {voucher.name} of {name}: {voucher.amount} granted, the parts do not sum to it")
    for one in wallet.top_ups:
        if one.amount != spent.get(("top_up", one.name), zero) + one.left + one.on_debt + one.taken_back:
            found.note(f"top-up {one.name} of {name}: {one.amount} credited, the parts do not sum to it")
    taken_back = wallet.debt_made - spent.get(("debt", None), zero)
    if taken_back < 0 or wallet.debt != wallet.debt_made - wallet.debt_paid - wallet.written_off:
        less = f"{wallet.debt_paid} paid, {wallet.written_off} written off"
        found.note(f"the debt of {name}: {wallet.debt_made} made, {less}, {wallet.debt} owed")
