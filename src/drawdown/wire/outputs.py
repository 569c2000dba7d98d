"""What outputs look like: charges, overages, wallet charges, and what they share. Structs only, no functions."""

import msgspec
from msgspec import UNSET, UnsetType


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where the input stands on the log."""

    topic: str
    partition: int
    offset: int


class Event(msgspec.Struct, frozen=True, gc=False):
    """The usage event that was rated. start: null without an interval."""

    source: str
    id: str
    service: str
    resource: str
    dimensions: dict[str, str]
    time: str
    start: str | None


class Payer(msgspec.Struct, frozen=True, gc=False):
    """Who pays a line. kind: plan, voucher, top_up or debt. id: of the plan, voucher or top-up; null for debt."""

    kind: str
    id: str | None


class BalanceMessage(msgspec.Struct, frozen=True, gc=False):
    """What was left in a source before and after a charge; for debt, what was owed. kind, id: as a payer's."""

    kind: str
    id: str | None
    before: str
    after: str


class PaidLine(msgspec.Struct, frozen=True, gc=False):
    """A rated part of the event: quantity of a meter, price, amount, the book's version, who pays.

    tier: of a graduated price, from 1. packages: how many were opened, of a package price. Others have neither.
    """

    time: str
    meter: str
    quantity: str
    unit_price: str
    per: int
    amount: str
    book: str
    book_version: int
    payer: Payer
    tier: int | UnsetType = UNSET
    packages: int | UnsetType = UNSET


class OpenLine(msgspec.Struct, frozen=True, gc=False):
    """A rated part of the event that no plan covered, priced on demand. tier, packages: as a paid line's."""

    time: str
    meter: str
    quantity: str
    unit_price: str
    per: int
    amount: str
    book: str
    book_version: int
    tier: int | UnsetType = UNSET
    packages: int | UnsetType = UNSET


class ChargeMessage(msgspec.Struct, frozen=True, gc=False):
    """A charge of the plans ledger. seq: gapless per account, ledger and topic; applied: the order of inputs."""

    version: int
    id: str
    ledger: str
    account: str
    currency: str
    event: Event
    lines: list[PaidLine]
    total: str
    balances: list[BalanceMessage]
    seq: int
    applied: int
    position: Position
    appended: str
    rules: int


class OverageMessage(msgspec.Struct, frozen=True, gc=False):
    """An overage. seq: gapless per account and topic; applied: the order of the account's inputs."""

    version: int
    id: str
    ledger: str
    account: str
    currency: str
    event: Event
    lines: list[OpenLine]
    total: str
    seq: int
    applied: int
    position: Position
    appended: str
    rules: int


class DrawnLine(msgspec.Struct, frozen=True, gc=False):
    """What one source paid of the overage."""

    amount: str
    payer: Payer


class DrawnOverage(msgspec.Struct, frozen=True, gc=False):
    """The overage that was drawn; its own record on `credit-charging` holds its priced lines."""

    id: str
    seq: int


class WalletChargeMessage(msgspec.Struct, frozen=True, gc=False):
    """A charge of the wallet ledger. seq: gapless per account, ledger and topic; applied: the order of inputs."""

    version: int
    id: str
    ledger: str
    account: str
    currency: str
    event: Event
    overage: DrawnOverage
    lines: list[DrawnLine]
    total: str
    balances: list[BalanceMessage]
    seq: int
    applied: int
    position: Position
    appended: str
    rules: int


class OverageRead(msgspec.Struct, gc=False):
    """As much of an overage as the wallet reads back."""

    version: int
    id: str
    account: str
    currency: str
    event: Event
    total: str
    seq: int
