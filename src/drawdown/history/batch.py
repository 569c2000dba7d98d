"""What one transaction of the projector brings: charges rolled up by the hour, events, and how far the log is read."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from drawdown.domain.quantity import MILLIONTHS
from drawdown.history.charges import NOBODY, Charge, Line, millionths, paid_lines, quanta
from drawdown.history.happenings import Happening
from drawdown.wire.instants import parse_instant

HOUR_MS: Final = 3_600_000
_HOUR_LENGTH: Final = len("2026-11-27T10")
Place = tuple[str, int]  # topic, partition
STREAMS: Final = {
    ("charges", "plans"): 0,
    ("account-events", "plans"): 1,
    ("charges", "wallet"): 2,
    ("account-events", "wallet"): 3,
}
Seqs = list[int]  # by stream, the newest number
Price = tuple[str, str, str, str, int, int, str, int]  # as SeriesKey has it from meter on


class ResourceKey(NamedTuple):
    """A resource of an account. dimensions: JSON."""

    account: str
    service: str
    resource: str
    dimensions: str


class SeriesKey(NamedTuple):
    """A meter of a resource at one price, paid by one payer. resource: its place in the batch's list."""

    resource: int
    meter: str
    payer: str
    payer_id: str
    book: str
    book_version: int
    tier: int
    unit_price: str
    per: int


class Known(NamedTuple):
    """An account as the database has it. id: None while it is new. seqs: what they are once the batch is written."""

    id: int | None
    currency: str
    partition: int
    whole: bool
    seqs: Seqs


@lru_cache(maxsize=4_096)
def hour_of(text: str) -> int:
    """Give the hour, since 1970, that an instant begins with."""
    return parse_instant(f"{text}:00:00Z") // HOUR_MS


class Gap(Exception):
    """A number of an account's charges or events does not follow the one before it."""


class _Spot(NamedTuple):
    """A resource in an hour of charging: where its charges stand, and sums by payer, price and hour of use as written.

    A look into it takes the place of one each into resources, series, hours and places.
    """

    resource: int
    charged: int
    offsets: list[int]
    sums: dict[tuple[Price, str], list[int]]


class Batch:
    """One transaction's worth."""

    def __init__(self, known: Callable[[str], Known | None]) -> None:
        """Begin. known: gives an account as the database has it, None for a new one."""
        self._known = known
        self.accounts: dict[str, Known] = {}
        self.resources: dict[ResourceKey, int] = {}  # each with its place in this list, as the series have
        self.series: dict[SeriesKey, int] = {}
        self.hours: dict[tuple[int, int, int], list[int]] = {}  # series, charged and used hour: see hours in tables.py
        self.places: dict[tuple[int, int], list[int]] = {}  # resource, charged hour: offsets
        self.events: list[tuple[Happening, int]] = []  # each with its offset
        self.read: dict[Place, tuple[int, int]] = {}  # next offset, newest append time
        self._spots: dict[tuple[str, str, str, bytes, str], _Spot] = {}  # dimensions and hour as written
        self.records = 0

    def charge(self, charge: Charge, overage: Charge | None, place: Place, offset: int, *, cut: bool) -> None:
        """Take a charge. overage: what a charge of the wallet drew. cut: the log's beginning is gone. Raise Gap."""
        self._count(charge, place, cut=cut)
        event = charge.event
        at = charge.account, event.service, event.resource, bytes(event.dimensions), charge.appended[:_HOUR_LENGTH]
        spot = self._spots.get(at)
        if spot is None:
            spot = self._spots[at] = self._spot(*at)
        spot.offsets.append(offset)
        if overage is not None:
            for line, payer, payer_id, quantity, amount in paid_lines(charge, overage):
                sums = self._sums(spot, line, payer, payer_id)
                sums[0] += 1
                sums[1] += quantity // MILLIONTHS
                sums[2] += quantity % MILLIONTHS
                sums[3] += amount
            return
        for line in charge.lines:  # as paid_lines gives them, without what it costs to give them: most charges are so
            payer_of = line.payer
            kind, ident = (NOBODY, "") if payer_of is None else (payer_of.kind, payer_of.id or "")
            sums = self._sums(spot, line, kind, ident)
            sums[0] += 1
            whole, _, rest = line.quantity.partition(".")
            sums[1] += int(whole)
            if rest:
                sums[2] += millionths(f"0.{rest}")
            sums[3] += quanta(line.amount)

    def _spot(self, account: str, service: str, resource: str, dimensions: bytes, hour: str) -> "_Spot":
        key = ResourceKey(account, service, resource, dimensions.decode())
        number = self.resources.setdefault(key, len(self.resources))
        charged = hour_of(hour)
        return _Spot(number, charged, self.places.setdefault((number, charged), []), {})

    def _sums(self, spot: "_Spot", line: Line, payer: str, payer_id: str) -> list[int]:
        """Find the sums that a line belongs to."""
        price = line.meter, payer, payer_id, line.book, line.book_version, line.tier, line.unit_price, line.per
        key = price, line.time[:_HOUR_LENGTH]
        sums = spot.sums.get(key)
        if sums is None:
            number = self.series.setdefault(SeriesKey(spot.resource, *price), len(self.series))
            used = hour_of(line.time[:_HOUR_LENGTH]) if line.time else spot.charged
            sums = spot.sums[key] = self.hours.setdefault((number, spot.charged, used), [0, 0, 0, 0])
        return sums

    def happening(self, happening: Happening, place: Place, offset: int, *, cut: bool) -> None:
        """Take an account event. Raise Gap."""
        self._count(happening, place, cut=cut)
        self.events.append((happening, offset))

    def _count(self, said: Charge | Happening, place: Place, *, cut: bool) -> None:
        """Count a record of an account. Raise Gap for a number that does not follow the newest.

        The positions are of the same transaction, so that one that comes again is of another log.
        """
        self.records += 1
        topic, partition = place
        account = self.accounts.get(said.account)
        if account is None:
            account = self._known(said.account) or Known(None, said.currency, partition, True, [0, 0, 0, 0])
            account = account._replace(seqs=list(account.seqs))
            self.accounts[said.account] = account
        stream = STREAMS[topic, said.ledger]
        newest = account.seqs[stream]
        if said.seq != newest + 1:
            if newest or not cut:
                again = (
                    "this is not the log that was read so far" if said.seq <= newest else "what is between is missing"
                )
                raise Gap(
                    f"{topic} of ledger {said.ledger}, partition {partition}: account {said.account} has number"
                    f" {said.seq} after {newest}; {again}"
                )
            self.accounts[said.account] = account._replace(whole=False)
        account.seqs[stream] = said.seq
