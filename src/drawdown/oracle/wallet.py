"""The oracle's wallets: who pays each overage, and what is left, in plain fractions."""

from fractions import Fraction
from typing import Any

from drawdown.oracle.credit import Drawn, Paid, Part, ToCodes, TopUp, Voucher, Wallet, said
from drawdown.oracle.reading import Refused, instant
from drawdown.oracle.rules import covers, quantum
from drawdown.oracle.wallet_notices import Before, behind, narrow, notices, reminders, use

SMALLEST = {"VND": Fraction(500_000), "JPY": Fraction(3_000), "USD": Fraction(25)}
VOUCHERS_MAX, TOP_UPS_MAX = 256, 1_000
TRIES_AN_HOUR, HOUR, CAMPAIGNS_MAX = 10, 3_600_000, 200
LARGEST = 2**62  # quanta: no amount and no sum gets there


class WalletOracle:
    """Applies the wallet's inputs in the order in which they were applied."""

    def __init__(self, forfeit_after: int) -> None:
        """Start without wallets. forfeit_after: ms from a voucher's expiry to when its rest is forfeited."""
        self.wallets: dict[str, Wallet] = {}
        self._forfeit_after = forfeit_after
        self.to_codes: list[ToCodes] = []

    def draw(self, overage: dict[str, Any], appended: int) -> list[Drawn]:
        """Apply an overage appended at an instant, ms. Raise Refused when it is not the next one."""
        account = overage["account"]
        wallet = self.wallets.get(account)
        out = []
        if wallet is None:
            wallet = self.wallets[account] = Wallet(overage["currency"])
            out.append(said("wallet_opened"))
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
            return [*out, said("overage_refused", code=code, credit=overage["id"])]
        open_before, before = wallet.open_vouchers(), Before(wallet, appended)
        paid = _pay(wallet, overage["event"], Fraction(overage["total"]))
        out.append(Drawn("charges", event=overage["event"]["id"], paid=tuple(paid)))
        used_up = sorted(voucher.name for voucher in open_before if not voucher.left)
        out += [said("voucher_used_up", credit=name) for name in used_up]
        use(wallet, overage, appended)
        return out + notices(wallet, before, appended)

    def command(self, command: dict[str, Any], appended: int) -> list[Drawn]:
        """Apply a command. Raise Refused for a wallet that is not open."""
        name, kind = command["account"], command["command"]
        wallet = self.wallets.get(name)
        if kind == "open_account":
            if wallet is None:
                self.wallets[name] = Wallet(command["currency"], applied=1)
                return [said("wallet_opened")]
            out = [said("command_refused", code="account_exists")]
        elif wallet is None:
            raise Refused("unknown_account")
        else:
            before = Before(wallet, appended)
            out = self._applied(name, wallet, command, appended)
            out += notices(wallet, before, appended)
        wallet.applied += 1
        return out

    def _applied(self, name: str, wallet: Wallet, command: dict[str, Any], appended: int) -> list[Drawn]:
        kind = command["command"]
        if kind == "timer":
            return reminders(wallet, appended) + self._forfeit(wallet, appended)
        if kind == "grant_voucher":
            over = instant(command["expires"]) + self._forfeit_after <= appended
            return [_grant(wallet, command, appended, over=over)]
        if kind == "redeem_code":
            return self._redeem(name, wallet, command, appended)
        if kind == "code_answer":
            return self._answered(name, wallet, command, appended)
        return {"top_up": _top_up, "adjust": _adjust, "set_debt_limit": _limit}[kind](wallet, command)

    def _forfeit(self, wallet: Wallet, now: int) -> list[Drawn]:
        out = []
        over = [v for v in wallet.vouchers if v.left and not v.closed and v.expires + self._forfeit_after <= now]
        for voucher in sorted(over, key=lambda one: (one.expires, one.granted)):
            voucher.forfeited, voucher.closed = voucher.left, True
            out.append(said("voucher_forfeited", credit=voucher.name, amount=voucher.forfeited))
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
            return [said("command_refused", code=code, credit=name)]
        wallet.known.add(f"redemption {name}")
        wallet.tries = [*lately, now]
        wallet.in_flight[name] = command["code"], now
        self.to_codes.append(ToCodes("claim_code", account, name, command["code"], now))
        return [said("redemption_asked", credit=name)]

    def _answered(self, account: str, wallet: Wallet, answer: dict[str, Any], now: int) -> list[Drawn]:
        name, code = answer["redemption"], answer["code"]
        if wallet.in_flight.get(name, ("", 0))[0] != code:
            return []  # to nothing that was asked
        _, tried = wallet.in_flight.pop(name)
        terms = answer.get("terms")
        if terms is None:
            return [said("redemption_refused", code=answer["refused"], credit=name)]
        until = tried + terms["valid_ms"] if terms["expires"] is None else instant(terms["expires"])
        parts = [
            Part(part["scope"] or None, set(part["others_than"]), Fraction(part["amount"])) for part in terms["parts"]
        ]
        why = _not_granted(wallet, name, terms, over=until + self._forfeit_after <= now)
        self.to_codes.append(ToCodes("settle_code", account, name, code, why is None))
        if why:
            return [said("redemption_refused", code=why, credit=name)]
        amount = sum((part.left for part in parts), Fraction(0))
        wallet.known.add(f"voucher {name}")
        wallet.redeemed[terms["campaign"]] = wallet.redeemed.get(terms["campaign"], 0) + 1
        voucher = Voucher(name, terms["priority"], until, wallet.applied + 1, parts, amount)
        voucher.reminded = behind(until, now)
        wallet.vouchers.append(voucher)
        return [said("voucher_granted", credit=name, amount=amount)]


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
    if len(wallet.open_vouchers()) >= VOUCHERS_MAX:
        return "too_many_vouchers"
    return None


def _pay(wallet: Wallet, event: dict[str, Any], owed: Fraction) -> list[Paid]:
    paid: list[Paid] = []
    service, dimensions, time = event["service"], event["dimensions"], instant(event["time"])
    fitting = [
        (voucher.priority, narrow(part), voucher.expires, voucher.granted, place, index)
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


def _grant(wallet: Wallet, command: dict[str, Any], now: int, *, over: bool) -> Drawn:
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
    elif len(wallet.open_vouchers()) >= VOUCHERS_MAX:
        code = "too_many_vouchers"
    elif not amount:
        code = "bad_amount"
    if code:
        return said("command_refused", code=code, credit=name)
    wallet.known.add(f"voucher {name}")
    granted = wallet.applied + 1
    voucher = Voucher(name, command.get("priority", 100), expires, granted, parts, amount)
    voucher.reminded = behind(expires, now)
    wallet.vouchers.append(voucher)
    return said("voucher_granted", credit=name, amount=amount)


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
        return [said("command_refused", code=code, credit=name)]
    wallet.known.add(f"top-up {name}")
    return [said("topped_up", credit=name, amount=amount), *_add(wallet, name, amount)]


def _adjust(wallet: Wallet, command: dict[str, Any]) -> list[Drawn]:
    name, amount, kind = command["adjustment"], Fraction(command["amount"]), command.get("kind", "correction")
    code = None
    if command["currency"] != wallet.currency:
        code = "wrong_currency"
    elif f"adjustment {name}" in wallet.known:
        code = "adjustment_exists"
    elif not amount or (amount < 0 and kind in {"grant", "write_off"}):
        code = "bad_amount"
    elif kind == "write_off":
        code = "more_than_debt" if amount > wallet.debt else None
    elif amount > 0 and _full(wallet):
        code = "too_many_top_ups"
    if code:
        return [said("command_refused", code=code, credit=name)]
    wallet.known.add(f"adjustment {name}")
    out = [said("adjusted", credit=name, amount=amount, reason=kind)]
    if kind == "write_off":
        wallet.debt -= amount
        wallet.written_off += amount
        return [*out, said("debt_written_off", credit=name, amount=amount)]
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


def _limit(wallet: Wallet, command: dict[str, Any]) -> list[Drawn]:
    if command["currency"] != wallet.currency:
        return [said("command_refused", code="wrong_currency")]
    limit = command["limit"]
    wallet.debt_limit = None if limit is None else Fraction(limit)
    if wallet.debt_limit is None:
        return [said("debt_limit_removed")]
    return [said("debt_limit_set", amount=wallet.debt_limit)]


def _full(wallet: Wallet) -> bool:
    return sum(1 for top_up in wallet.top_ups if top_up.left) >= TOP_UPS_MAX


def _add(wallet: Wallet, name: str, amount: Fraction) -> list[Drawn]:
    on_debt = min(wallet.debt, amount)
    wallet.debt -= on_debt
    wallet.debt_paid += on_debt
    wallet.top_ups.append(TopUp(name, amount, amount - on_debt, on_debt))
    return [said("debt_paid", credit=name, amount=on_debt)] if on_debt else []
