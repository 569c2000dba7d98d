"""Credit of the demonstration: vouchers (scoped, split, expiring inside the trace), top-ups, adjustments, limits."""

from collections.abc import Iterator

import msgspec

from drawdown.demo.scenario import HOUR, MINUTE, account_name, amount, command, currency_of
from drawdown.topics import CODE_COMMANDS, WALLET_COMMANDS
from drawdown.traces.events import Outgoing
from drawdown.wire.code_commands import hash_of
from drawdown.wire.instants import format_instant

_DAY = 24 * HOUR
CODES = [f"DEMO0000{number:02d}" for number in range(8)]  # a campaign's codes are drawn; a demonstration's are the same


def before(count: int, now: int) -> Iterator[Outgoing]:
    """Open every wallet and give most of them credit; every eighth account gets none and runs into debt."""
    for number in range(count):
        yield _open(number, now)
        if number % 8 == 7:  # noqa: PLR2004
            yield _debt_limit(number, now)
            continue
        if number % 3 == 0:
            scope = [{"service": "inference"}]
            yield _voucher(number, "tokens", now, now + 30 * _DAY, priority=10, amount=_money(number, 1), scope=scope)
        if number % 4 == 1:
            split = [
                {"service": "gpu-container", "amount": _money(number, 100)},
                {"service": "fine-tuning", "amount": _money(number, 50)},
                {"others": True, "amount": _money(number, 5)},
            ]
            yield _voucher(number, "starter", now, now + 30 * _DAY, split=split)
        if number % 5 == 0:
            yield _voucher(number, "ending", now, now - 25 * MINUTE, amount=_money(number, 500), scope="all")
        if number % 4 in {0, 3}:
            yield _top_up(number, "first", now)
            yield _top_up(number, "second", now)
    yield from _refused(now)


def after(count: int, now: int) -> Iterator[Outgoing]:
    """Write off and top up where there is debt by then; an operator adds to one and takes back from another."""
    yield _adjust(7, "written-off", now, "0.000001", kind="write_off")
    for number in range(7, count, 8):
        yield _top_up(number, "late", now)
    yield _adjust(0, "goodwill", now, "3.00", kind="grant")
    yield _adjust(2, "correction", now, "-1.25")


def codes(now: int) -> Iterator[Outgoing]:
    """Issue a campaign; the last code is over."""
    for code in CODES:
        message = {"command": "issue_code", "version": 1, "id": f"issue-{code}", "code": hash_of(code)}
        message |= {"campaign": "demonstration", "currency": "USD", "amount": "2.50", "valid_seconds": 30 * 86_400}
        if code == CODES[-1]:
            message["closes"] = format_instant(now - HOUR)
        yield Outgoing(CODE_COMMANDS, hash_of(code).encode(), msgspec.json.encode(message), now)


def redemptions(now: int) -> Iterator[Outgoing]:
    """Redeem codes: one is tried by two accounts, one by an account in VND, one is over, and one is wrong."""
    for number, code in ((0, 0), (1, 1), (2, 1), (3, 2), (4, 7), (0, 3)):
        yield _redeem(number, CODES[code], now)
    yield _redeem(5, "WRONG00000", now)


def _redeem(number: int, code: str, now: int) -> Outgoing:
    ident = f"{account_name(number)}-{code[-2:]}"
    values = {"redemption": ident, "code": hash_of(code)}
    return command(account_name(number), f"redeem-{ident}", "redeem_code", now, topic=WALLET_COMMANDS, **values)


def _refused(now: int) -> Iterator[Outgoing]:
    yield _top_up(0, "first", now, again="again")  # the reference was credited before
    yield _send(0, "small", now, "top_up", reference="small", amount="0.01")
    yield _send(0, "foreign", now, "top_up", reference="foreign", amount="5000000", currency="VND")


def _open(number: int, now: int) -> Outgoing:
    return _send(number, "open", now, "open_account")


def _voucher(number: int, kind: str, now: int, expires: int, **values: object) -> Outgoing:
    ident = f"{account_name(number)}-{kind}"
    return _send(
        number, f"grant-{kind}", now, "grant_voucher", voucher=ident, expires=format_instant(expires), **values
    )


def _top_up(number: int, kind: str, now: int, again: str = "") -> Outgoing:
    smallest = "500000" if currency_of(number) == "VND" else "25.00"
    reference = f"{account_name(number)}-{kind}"
    return _send(number, f"top-up-{kind}{again}", now, "top_up", reference=reference, amount=smallest)


def _adjust(number: int, name: str, now: int, change: str, kind: str = "correction") -> Outgoing:
    values = {"adjustment": name, "amount": change, "reason": "demonstration", "operator": "demo", "kind": kind}
    return _send(number, f"adjust-{name}", now, "adjust", **values)


def _debt_limit(number: int, now: int) -> Outgoing:
    values = {"limit": "0.000001", "reason": "demonstration", "operator": "demo"}
    return _send(number, "debt-limit", now, "set_debt_limit", **values)


def _send(number: int, ident: str, now: int, name: str, **values: object) -> Outgoing:
    values.setdefault("currency", currency_of(number))
    return command(account_name(number), ident, name, now, topic=WALLET_COMMANDS, **values)


def _money(number: int, cents: int) -> str:
    return amount(cents, currency_of(number))
