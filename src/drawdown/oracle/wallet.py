"""The oracle's wallets: who pays each overage, and what is left, in plain fractions."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from drawdown.oracle.reading import Refused, instant
from drawdown.oracle.rules import covers, quantum

SMALLEST = {"VND": Fraction(500_000), "JPY": Fraction(3_000), "USD": Fraction(25)}
VOUCHERS_MAX, TOP_UPS_MAX = 256, 1_000
TRIES_AN_HOUR, HOUR, CAMPAIGNS_MAX = 10, 3_600_000, 200
LARGEST = 2**62  # quanta: no amount and no sum gets there


@dataclass
class Part:
    """A share of a voucher."""

    scope: list[dict[str, Any]] | None
    others_than: set[str]
    left: Fraction


@dataclass
class Voucher:
    """A voucher as the oracle keeps it, from its grant on."""

    name: str
    priority: int
    expires: int
    granted: int
    parts: list[Part]
    amount: Fraction
    forfeited: Fraction = Fraction(0)
    closed: bool = False

    @property
    def left(self) -> Fraction:
        """What is left over all parts."""
        return sum((part.left for part in self.parts), Fraction(0))


@dataclass
class TopUp:
    """Bought credit. on_debt, taken_back: what went there instead of paying usage."""

    name: str
    amount: Fraction
    left: Fraction
    on_debt: Fraction = Fraction(0)
    taken_back: Fraction = Fraction(0)


@dataclass
class Wallet:
    """A wallet as the oracle keeps it."""

    currency: str
    applied: int = 0
    overage_seq: int = 0
    vouchers: list[Voucher] = field(default_factory=list)
    top_ups: list[TopUp] = field(default_factory=list)
    debt: Fraction = Fraction(0)
    debt_made: Fraction = Fraction(0)
    debt_paid: Fraction = Fraction(0)
    known: set[str] = field(default_factory=set)
    tries: list[int] = field(default_factory=list)
    in_flight: dict[str, tuple[str, int]] = field(default_factory=dict)  # redemption → code's hash, when it was tried
    redeemed: dict[str, int] = field(default_factory=dict)  # campaign → codes


@dataclass(frozen=True)
class Paid:
    """What one source paid, and what was left of it (owed, for debt) before and after."""

    kind: str
    name: str | None
    amount: Fraction
    before: Fraction
    after: Fraction


@dataclass(frozen=True)
class Drawn:
    """One record that must be among the wallet's outputs."""

    topic: str
    kind: str = ""
    event: str = ""
    paid: tuple[Paid, ...] = ()
    credit: str | None = None
    code: str | None = None
    amount: Fraction = Fraction(0)


@dataclass(frozen=True)
class ToCodes:
    """What the wallet must have told the codes ledger. said: tried at (ms), or whether the credit was granted."""

    kind: str
    account: str
    redemption: str
    code: str
    said: int | bool


class WalletOracle:
    """Applies the wallet's inputs in the order in which they were applied."""

    def __init__(self, forfeit_after: int) -> None:
        """Start without wallets. forfeit_after: ms from a voucher's expiry to when its rest is forfeited."""
        self.wallets: dict[str, Wallet] = {}
        self._forfeit_after = forfeit_after
        self.to_codes: list[ToCodes] = []

    def draw(self, overage: dict[str, Any]) -> list[Drawn]:
        """Apply an overage. Raise Refused when it is not the next one."""
        account = overage["account"]
        wallet = self.wallets.get(account)
        out = []
        if wallet is None:
            wallet = self.wallets[account] = Wallet(overage["currency"])
            out.append(_event("wallet_opened"))
        if overage["seq"] != wallet.overage_seq + 1:
            raise Refused("gap")
        wallet.overage_seq += 1
        wallet.applied += 1
        code = None
        if overage["currency"] != wallet.currency:
            code = "wrong_currency"
        elif wallet.debt + Fraction(overage["total"]) >= LARGEST * quantum(wallet.currency):
            code = "amount_too_large"
        if code:
            return [*out, _event("overage_refused", code=code, credit=overage["id"])]
        open_before = [voucher for voucher in wallet.vouchers if voucher.left and not voucher.closed]
        paid = _pay(wallet, overage["event"], Fraction(overage["total"]))
        out.append(Drawn("charges", event=overage["event"]["id"], paid=tuple(paid)))
        used_up = sorted(voucher.name for voucher in open_before if not voucher.left)
        return out + [_event("voucher_used_up", credit=name) for name in used_up]

    def command(self, command: dict[str, Any], appended: int) -> list[Drawn]:
        """Apply a command. Raise Refused for a wallet that is not open."""
        name, kind = command["account"], command["command"]
        wallet = self.wallets.get(name)
        if kind == "open_account":
            if wallet is None:
                self.wallets[name] = Wallet(command["currency"], applied=1)
                return [_event("wallet_opened")]
            out = [_event("command_refused", code="account_exists")]
        elif wallet is None:
            raise Refused("unknown_account")
        elif kind == "timer":
            out = self._forfeit(wallet, appended)
        elif kind == "grant_voucher":
            over = instant(command["expires"]) + self._forfeit_after <= appended
            out = [_grant(wallet, command, over=over)]
        elif kind == "top_up":
            out = _top_up(wallet, command)
        elif kind == "redeem_code":
            out = self._redeem(name, wallet, command, appended)
        elif kind == "code_answer":
            out = self._answered(name, wallet, command, appended)
        else:
            out = _adjust(wallet, command)
        wallet.applied += 1
        return out

    def _forfeit(self, wallet: Wallet, now: int) -> list[Drawn]:
        out = []
        over = [v for v in wallet.vouchers if v.left and not v.closed and v.expires + self._forfeit_after <= now]
        for voucher in sorted(over, key=lambda one: (one.expires, one.granted)):
            voucher.forfeited, voucher.closed = voucher.left, True
            out.append(_event("voucher_forfeited", credit=voucher.name, amount=voucher.forfeited))
        return out

    def _redeem(self, account: str, wallet: Wallet, command: dict[str, Any], now: int) -> list[Drawn]:
        name = command["redemption"]
        lately = [at for at in wallet.tries if now - at < HOUR]
        code = None
        if f"redemption {name}" in wallet.known:
            code = "redemption_exists"
        elif max(len(lately), len(wallet.in_flight)) >= TRIES_AN_HOUR:
            code = "too_many_tries"
        if code:
            return [_event("command_refused", code=code, credit=name)]
        wallet.known.add(f"redemption {name}")
        wallet.tries = [*lately, now]
        wallet.in_flight[name] = command["code"], now
        self.to_codes.append(ToCodes("claim_code", account, name, command["code"], now))
        return [_event("redemption_asked", credit=name)]

    def _answered(self, account: str, wallet: Wallet, answer: dict[str, Any], now: int) -> list[Drawn]:
        name, code = answer["redemption"], answer["code"]
        if wallet.in_flight.get(name, ("", 0))[0] != code:
            return []  # to nothing that was asked
        _, tried = wallet.in_flight.pop(name)
        terms = answer.get("terms")
        if terms is None:
            return [_event("redemption_refused", code=answer["refused"], credit=name)]
        until = tried + terms["valid_ms"] if terms["expires"] is None else instant(terms["expires"])
        parts = [
            Part(part["scope"] or None, set(part["others_than"]), Fraction(part["amount"])) for part in terms["parts"]
        ]
        why = _not_granted(wallet, name, terms, over=until + self._forfeit_after <= now)
        self.to_codes.append(ToCodes("settle_code", account, name, code, why is None))
        if why:
            return [_event("redemption_refused", code=why, credit=name)]
        amount = sum((part.left for part in parts), Fraction(0))
        wallet.known.add(f"voucher {name}")
        wallet.redeemed[terms["campaign"]] = wallet.redeemed.get(terms["campaign"], 0) + 1
        wallet.vouchers.append(Voucher(name, terms["priority"], until, wallet.applied + 1, parts, amount))
        return [_event("voucher_granted", credit=name, amount=amount)]


def _not_granted(wallet: Wallet, name: str, terms: dict[str, Any], *, over: bool) -> str | None:
    """Say why the wallet gives a code back, or None."""
    campaign = terms["campaign"]
    if terms["currency"] != wallet.currency:
        return "wrong_currency"
    if wallet.redeemed.get(campaign, 0) >= terms["per_account_max"]:
        return "campaign_limit"
    if campaign not in wallet.redeemed and len(wallet.redeemed) >= CAMPAIGNS_MAX:
        return "too_many_campaigns"
    if f"voucher {name}" in wallet.known:
        return "voucher_exists"
    if over:
        return "voucher_expired"
    if sum(1 for voucher in wallet.vouchers if voucher.left and not voucher.closed) >= VOUCHERS_MAX:
        return "too_many_vouchers"
    return None


def _pay(wallet: Wallet, event: dict[str, Any], owed: Fraction) -> list[Paid]:
    paid: list[Paid] = []
    service, dimensions, time = event["service"], event["dimensions"], instant(event["time"])
    fitting = [
        (voucher.priority, _narrow(part), voucher.expires, voucher.granted, place, index)
        for place, voucher in enumerate(wallet.vouchers)
        if not voucher.closed and time <= voucher.expires
        for index, part in enumerate(voucher.parts)
        if part.left and service not in part.others_than and covers(part.scope, service, dimensions)
    ]
    for *_, place, index in sorted(fitting):
        voucher = wallet.vouchers[place]
        amount = min(owed, voucher.parts[index].left)
        if amount:
            before = voucher.left
            voucher.parts[index].left -= amount
            owed -= amount
            paid.append(Paid("voucher", voucher.name, amount, before, voucher.left))
    for top_up in wallet.top_ups:
        amount = min(owed, top_up.left)
        if amount:
            paid.append(Paid("top_up", top_up.name, amount, top_up.left, top_up.left - amount))
            top_up.left -= amount
            owed -= amount
    if owed:
        paid.append(Paid("debt", None, owed, wallet.debt, wallet.debt + owed))
        wallet.debt += owed
        wallet.debt_made += owed
    return paid


def _narrow(part: Part) -> int:
    if part.scope is None:
        return 2 if part.others_than else 3
    if all(item.get("dimensions") for item in part.scope):
        return 0
    return 1 if len({item["service"] for item in part.scope}) == 1 else 2


def _grant(wallet: Wallet, command: dict[str, Any], *, over: bool) -> Drawn:
    name, expires = command["voucher"], instant(command["expires"])
    parts = parts_of(command)
    amount = sum((part.left for part in parts), Fraction(0))
    code = None
    if command["currency"] != wallet.currency:
        code = "wrong_currency"
    elif f"voucher {name}" in wallet.known:
        code = "voucher_exists"
    elif over:
        code = "voucher_expired"
    elif sum(1 for voucher in wallet.vouchers if voucher.left and not voucher.closed) >= VOUCHERS_MAX:
        code = "too_many_vouchers"
    elif not amount:
        code = "bad_amount"
    if code:
        return _event("command_refused", code=code, credit=name)
    wallet.known.add(f"voucher {name}")
    granted = wallet.applied + 1
    wallet.vouchers.append(Voucher(name, command.get("priority", 100), expires, granted, parts, amount))
    return _event("voucher_granted", credit=name, amount=amount)


def parts_of(command: dict[str, Any]) -> list[Part]:
    """Give the parts of a voucher's or a code's credit."""
    split = command.get("split")
    if not split:
        scope = command.get("scope", "all")
        return [Part(None if scope == "all" else scope, set(), Fraction(command["amount"]))]
    named = [part for part in split if "service" in part]
    services = {part["service"] for part in named if not part.get("dimensions")}
    parts = [Part([part], set(), Fraction(part["amount"])) for part in named]
    return parts + [Part(None, services, Fraction(part["amount"])) for part in split if "others" in part]


def _top_up(wallet: Wallet, command: dict[str, Any]) -> list[Drawn]:
    name, amount = command["reference"], Fraction(command["amount"])
    code = None
    if command["currency"] != wallet.currency:
        code = "wrong_currency"
    elif f"top-up {name}" in wallet.known:
        code = "reference_exists"
    elif amount < SMALLEST.get(wallet.currency, Fraction(0)) or not amount:
        code = "below_minimum"
    elif _full(wallet):
        code = "too_many_top_ups"
    if code:
        return [_event("command_refused", code=code, credit=name)]
    wallet.known.add(f"top-up {name}")
    return [_event("topped_up", credit=name, amount=amount), *_add(wallet, name, amount)]


def _adjust(wallet: Wallet, command: dict[str, Any]) -> list[Drawn]:
    name, amount = command["adjustment"], Fraction(command["amount"])
    code = None
    if command["currency"] != wallet.currency:
        code = "wrong_currency"
    elif f"adjustment {name}" in wallet.known:
        code = "adjustment_exists"
    elif not amount:
        code = "bad_amount"
    elif amount > 0 and _full(wallet):
        code = "too_many_top_ups"
    if code:
        return [_event("command_refused", code=code, credit=name)]
    wallet.known.add(f"adjustment {name}")
    out = [_event("adjusted", credit=name, amount=amount)]
    if amount > 0:
        return out + _add(wallet, name, amount)
    owed = -amount
    for top_up in wallet.top_ups:
        taken = min(owed, top_up.left)
        top_up.left -= taken
        top_up.taken_back += taken
        owed -= taken
    wallet.debt += owed
    wallet.debt_made += owed
    return out


def _full(wallet: Wallet) -> bool:
    return sum(1 for top_up in wallet.top_ups if top_up.left) >= TOP_UPS_MAX


def _add(wallet: Wallet, name: str, amount: Fraction) -> list[Drawn]:
    on_debt = min(wallet.debt, amount)
    wallet.debt -= on_debt
    wallet.debt_paid += on_debt
    wallet.top_ups.append(TopUp(name, amount, amount - on_debt, on_debt))
    return [_event("debt_paid", credit=name, amount=on_debt)] if on_debt else []


def _event(kind: str, **values: Any) -> Drawn:
    return Drawn("account-events", kind, **values)
