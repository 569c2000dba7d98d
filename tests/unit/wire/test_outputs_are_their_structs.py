"""What is written as text is, byte for byte, what msgspec makes of the struct that defines it, whatever is in it."""

import string

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import examples

from drawdown.domain.model import Usage
from drawdown.domain.rated import Balance, Charge, Line, Overage
from drawdown.domain.wallet.model import OverageDue, Payment, WalletCharge
from drawdown.engine.records import Record
from drawdown.wire.charge import encode_charge
from drawdown.wire.outputs import ChargeMessage, OverageMessage, WalletChargeMessage
from drawdown.wire.overage import encode_overage
from drawdown.wire.wallet_charge import encode_wallet_charge

NAMES = st.text(st.one_of(st.sampled_from(string.ascii_letters + '"\\/\b\x7f\u2028é😀'), st.characters(codec="utf-8")))
AMOUNTS = st.integers(0, 2**62 - 1)
NUMBERS = st.integers(1, 2**62)
INSTANTS = st.integers(946_684_800_000, 7_258_118_399_999)
CURRENCIES = st.sampled_from(["USD", "VND"])
IDENTITIES = st.binary(min_size=16, max_size=16)
RECORDS = st.builds(Record, NAMES, st.integers(0, 99), AMOUNTS, INSTANTS, st.none(), st.none())
DIMENSIONS = st.lists(st.tuples(NAMES, NAMES), max_size=3, unique_by=lambda pair: pair[0]).map(tuple)
STARTS = st.none() | INSTANTS
USAGES = st.builds(Usage, NAMES, NAMES, NAMES, NAMES, NAMES, DIMENSIONS, INSTANTS, STARTS, st.just(()))
COUNTS = st.none() | st.integers(0, 9)


def lines(plan: st.SearchStrategy[str | None]) -> st.SearchStrategy[tuple[Line, ...]]:
    one = st.builds(
        Line, INSTANTS, NAMES, AMOUNTS, AMOUNTS, NUMBERS, AMOUNTS, NAMES, NUMBERS, plan, tier=COUNTS, packages=COUNTS
    )
    return st.lists(one, max_size=3).map(tuple)


BALANCES = st.lists(st.builds(Balance, NAMES, AMOUNTS, AMOUNTS), max_size=2).map(tuple)


def written_again(value: bytes, kind: type[msgspec.Struct]) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(value, type=kind))


@examples(100)
@given(st.builds(Charge, USAGES, CURRENCIES, lines(NAMES), AMOUNTS, BALANCES, NUMBERS, NUMBERS), IDENTITIES, RECORDS)
def test_a_charge(charge: Charge, identity: bytes, record: Record) -> None:
    value = encode_charge(charge, identity, record, "plans", 1)
    assert written_again(value, ChargeMessage) == value


@examples(100)
@given(st.builds(Overage, USAGES, CURRENCIES, lines(st.none()), AMOUNTS, NUMBERS, NUMBERS), IDENTITIES, RECORDS)
def test_an_overage(overage: Overage, identity: bytes, record: Record) -> None:
    value = encode_overage(overage, identity, record, "plans", 1)
    assert written_again(value, OverageMessage) == value


KINDS = st.sampled_from(["voucher", "top_up", "debt"])
PAYMENTS = st.lists(st.builds(Payment, KINDS, st.none() | NAMES, AMOUNTS, AMOUNTS, AMOUNTS), max_size=3).map(tuple)
DUE = st.builds(
    OverageDue, NAMES, CURRENCIES, NAMES, NAMES, NAMES, NAMES, DIMENSIONS, INSTANTS, STARTS, NAMES, NUMBERS, AMOUNTS
)


@examples(100)
@given(st.builds(WalletCharge, DUE, PAYMENTS, NUMBERS, NUMBERS), IDENTITIES, RECORDS)
def test_a_wallet_charge(charge: WalletCharge, identity: bytes, record: Record) -> None:
    value = encode_wallet_charge(charge, identity, record, "wallet", 1)
    assert written_again(value, WalletChargeMessage) == value
