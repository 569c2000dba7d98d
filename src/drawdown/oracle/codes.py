"""The oracle's codes: who may have each code, and a check that the two ledgers told each other just that."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from drawdown.oracle.audit import Audit, Record
from drawdown.oracle.credit import ToCodes
from drawdown.oracle.reading import instant, read_json
from drawdown.oracle.wallet import WalletOracle, parts_of


@dataclass
class Code:
    """A code as it was issued, and who holds it: (account, redemption), once and for all when `kept`."""

    issued: dict[str, Any]
    holder: tuple[str, str] | None = None
    kept: bool = False
    withdrawn: bool = False


class CodesOracle:
    """Applies the commands of the codes ledger in the order of the log."""

    def __init__(self) -> None:
        """Know no code."""
        self.codes: dict[str, Code] = {}

    def take(self, command: dict[str, Any]) -> str | None:
        """Apply a command; give the answer to a claim: why it is refused, or "" for yes. None to all else."""
        kind, code = command["command"], self.codes.get(command["code"])
        if kind == "issue_code":
            self.codes.setdefault(command["code"], Code(command))
        elif kind == "withdraw_code" and code is not None:
            code.withdrawn = True
        elif kind == "claim_code":
            return self._claim(code, command)
        elif kind == "settle_code" and code is not None and code.holder == _who(command):
            if command["granted"]:
                code.kept = True
            elif not code.kept:
                code.holder = None
        return None

    def _claim(self, code: Code | None, command: dict[str, Any]) -> str:
        if code is None:
            return "wrong_code"
        if code.holder is not None:
            return "" if code.holder == _who(command) else "code_used"
        if code.withdrawn:
            return "code_withdrawn"
        at, opens, closes = instant(command["at"]), code.issued.get("opens"), code.issued.get("closes")
        if opens and at < instant(opens):
            return "code_not_yet_valid"
        if closes and at >= instant(closes):
            return "code_expired"
        code.holder = _who(command)
        return ""


def _who(command: dict[str, Any]) -> tuple[str, str]:
    return command["account"], command["redemption"]


def audit_codes(log: Mapping[str, Iterable[Record]], wallets: WalletOracle, found: Audit) -> None:
    """Check that each claim came from the wallet and got its one right answer, and that no code is redeemed twice."""
    oracle = CodesOracle()
    said, answers = _replay(log, oracle, found)
    wanted = Counter(wallets.to_codes)
    if said != wanted:
        more, less = (said - wanted).total(), (wanted - said).total()
        found.note(f"code-commands: {more} claims and settlements too many, {less} missing")
    told = Counter[tuple[str, ...]]()
    for answer in filter(None, map(_answer, log["wallet-commands"])):
        told[*_who(answer), answer["code"], answer.get("refused") or ""] += 1
        _same_terms(oracle, answer, found)
    if told != answers:
        more, less = (told - answers).total(), (answers - told).total()
        found.note(f"wallet-commands: {more} answers of the codes ledger too many, {less} missing")
    in_flight = sum(len(wallet.in_flight) for wallet in wallets.wallets.values())
    if in_flight:
        found.note(f"{in_flight} redemptions were never answered")
    kept = found.counts["codes_redeemed"] = sum(code.kept for code in oracle.codes.values())
    granted = sum(sum(wallet.redeemed.values()) for wallet in wallets.wallets.values())
    if granted != kept:
        found.note(f"{granted} credits were granted for {kept} codes")


def _replay(
    log: Mapping[str, Iterable[Record]], oracle: CodesOracle, found: Audit
) -> tuple[Counter[ToCodes], Counter[tuple[str, ...]]]:
    """Give what the wallet said to the codes ledger, and which answers must have come back."""
    said, answers = Counter[ToCodes](), Counter[tuple[str, ...]]()
    letters = _dead_letters(log["dead-letters"], found)
    seen: set[tuple[str, str]] = set()
    for record in log["code-commands"]:
        if (record.partition, record.offset) in letters:
            continue
        command = read_json(record.value or b"")
        kind, ident = command["command"], (command["code"], command["id"])
        if ident in seen:
            continue
        seen.add(ident)
        if kind in {"claim_code", "settle_code"}:
            what = instant(command["at"]) if kind == "claim_code" else command["granted"]
            said[ToCodes(kind, *_who(command), command["code"], what)] += 1
        answer = oracle.take(command)
        if answer is not None:
            answers[*_who(command), command["code"], answer] += 1
    return said, answers


def _answer(record: Record) -> dict[str, Any] | None:
    if b'"code_answer"' not in (record.value or b""):
        return None
    message = read_json(record.value or b"")
    return message if message.get("command") == "code_answer" else None


def _same_terms(oracle: CodesOracle, answer: dict[str, Any], found: Audit) -> None:
    terms, code = answer.get("terms"), oracle.codes.get(answer["code"])
    if terms is None or code is None:
        return
    issued = code.issued
    seconds, expires = issued.get("valid_seconds"), issued.get("expires")
    expected = {
        "campaign": issued["campaign"],
        "currency": issued["currency"],
        "priority": issued.get("priority", 100),
        "per_account_max": issued.get("per_account_max", 1),
        "valid_ms": seconds and seconds * 1000,
        "expires": expires and instant(expires),
        "parts": [(_items(part.scope), part.others_than, part.left) for part in parts_of(issued)],
    }
    told = {name: terms[name] for name in expected}
    told["expires"] = told["expires"] and instant(told["expires"])
    told["parts"] = [
        (_items(part["scope"]), set(part["others_than"]), Fraction(part["amount"])) for part in told["parts"]
    ]
    if told != expected:
        found.note(f"a code of {issued['campaign']} was answered with {told}, and issued with {expected}")


def _items(scope: list[dict[str, Any]] | None) -> list[tuple[str, dict[str, str]]]:
    return [(item["service"], item.get("dimensions", {})) for item in scope or ()]


def _dead_letters(letters: Iterable[Record], found: Audit) -> set[tuple[int, int]]:
    refused: set[tuple[int, int]] = set()
    for letter in letters:
        headers = dict(letter.headers)
        if headers["ledger"] == b"codes":
            refused.add((int(headers["partition"]), int(headers["offset"])))
            found.dead_letters[headers["reason"].decode()] += 1
    return refused
