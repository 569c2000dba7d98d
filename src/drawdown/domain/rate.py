"""Pay an event's pieces from the account's plans, and price on demand what none covers. Design section 5."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from drawdown.domain.counters import Tallies, Tally
from drawdown.domain.coverage import accepts_at, draw_order, in_scope, includes
from drawdown.domain.errors import Reject
from drawdown.domain.events import Draft
from drawdown.domain.limits import LINES_MAX
from drawdown.domain.model import Plan, Usage
from drawdown.domain.money import checked, divide_half_up
from drawdown.domain.parts import Part, parts_of
from drawdown.domain.pieces import Piece
from drawdown.domain.policy import Policy
from drawdown.domain.prices import PER_UNIT, Book, Price, Prices
from drawdown.domain.quantity import MILLIONTHS
from drawdown.domain.rated import Balance, Line


class Purse:
    """A plan while one event draws on it: what is left, in all and of the quotas that include the event.

    payer: the purse that pays; another one's when another plan has taken this one's place. last: when it paid last, ms.
    """

    __slots__ = ("book", "drawn", "last", "left", "payer", "plan", "quotas")

    def __init__(self, plan: Plan, book: Book, usage: Usage) -> None:
        """Open the plan for a usage."""
        self.plan = plan
        self.book = book
        self.payer = self
        self.drawn = 0
        self.last = 0
        self.left = plan.amount - plan.spent
        self.quotas = [
            index for index, quota in enumerate(plan.quotas) if includes(quota.item, usage.service, usage.dimensions)
        ]
        for index in self.quotas:
            quota = plan.quotas[index]
            self.left = min(self.left, quota.amount - quota.spent)

    def draw(self, amount: int, instant: int) -> None:
        """Take an amount, at most what is left, for what was used at an instant."""
        self.left -= amount
        self.drawn += amount
        self.last = instant

    def used_up(self) -> bool:
        """Say whether nothing is left of the plan's whole amount."""
        return self.plan.spent + self.drawn == self.plan.amount

    def closed(self, plan: Plan, service: str) -> Plan:
        """Give the plan after the event."""
        drawn = self.drawn
        quotas = plan.quotas
        if self.quotas:
            quotas = tuple(
                replace(quota, spent=quota.spent + drawn) if index in self.quotas else quota
                for index, quota in enumerate(quotas)
            )
        by_service = dict(plan.spent_by_service)
        by_service[service] = by_service.get(service, 0) + drawn
        return replace(
            plan, spent=plan.spent + drawn, quotas=quotas, spent_by_service=tuple(sorted(by_service.items()))
        )


class Rating:
    """What rating an event came to: lines paid by plans, lines on demand, and plans and counters as they are then."""

    __slots__ = (
        "_appended",
        "_draft",
        "_heirs",
        "_payers",
        "_policy",
        "_usage",
        "on_demand",
        "paid",
        "purses",
        "tallies",
    )

    def __init__(self, usage: Usage, draft: Draft, appended: int, prices: Prices, policy: Policy) -> None:
        """Open the plans whose scope includes the usage; the draft keeps them in draw order."""
        self._usage = usage
        self._draft = draft
        self._policy = policy
        self._appended = appended
        self.paid: list[Line] = []
        self.on_demand: list[Line] = []
        self.purses: list[Purse] = []
        self._payers: list[Purse] = []
        self._heirs: list[tuple[Purse, Purse]] = []
        self.tallies: Tallies | None = None  # only graduated and package prices have counters
        related = False
        for plan in draft.plans:
            if plan.status == "expired" or plan.spent >= plan.amount:
                continue
            if not in_scope(plan.scope, usage.service, usage.dimensions):
                continue
            self.purses.append(Purse(plan, _book_of(plan, prices), usage))
            related = related or plan.status == "scheduled" or plan.expired_by == "replaced"
        if related:
            self._relate({plan.id: plan for plan in draft.plans}, prices)

    def _relate(self, plans: Mapping[str, Plan], prices: Prices) -> None:
        """Find who pays for plans whose place was taken, and which plans begin if the one before them runs out."""
        purses = {purse.plan.id: purse for purse in self.purses}
        for ident, purse in list(purses.items()):
            if purse.plan.expired_by == "replaced":
                heir = plans.get(purse.plan.successor)
                while heir is not None and heir.expired_by == "replaced":
                    heir = plans.get(heir.successor)
                if heir is None or heir.status == "expired" or heir.spent >= heir.amount:
                    self.purses.remove(purse)
                    continue
                if heir.id not in purses:
                    purses[heir.id] = Purse(heir, _book_of(heir, prices), self._usage)
                    self._payers.append(purses[heir.id])
                purse.payer = purses[heir.id]
            elif purse.plan.status == "scheduled" and purse.plan.follows is not None:
                before = purses.get(purse.plan.follows.plan)
                if before is not None:
                    self._heirs.append((purses[ident], before))

    def pay(self, pieces: Iterable[Piece], prices: Prices) -> None:
        """Pay the pieces in their order.

        Raise Reject: unknown_price, amount_too_large, too_many_pieces, state_too_large (counters).
        """
        usage, appended, currency = self._usage, self._appended, self._draft.account.currency
        for piece in pieces:
            quantity = piece.quantity
            for purse in self.purses:
                if purse.payer.left > 0 and accepts_at(purse.plan, piece.time, appended):
                    price = purse.book.price(usage.service, piece.meter, usage.dimensions)
                    if price is not None:
                        draw = self._draw if price.model == PER_UNIT else self._draw_counted
                        quantity = draw(purse, price, piece, quantity)
                        if not quantity:
                            break
            if quantity and self._heirs:
                quantity = self._inherit(piece, quantity)
            if quantity:
                self._on_demand(piece, quantity, prices.on_demand_at(currency, piece.time))
        self._close()

    def _close(self) -> None:
        for lines in (self.paid, self.on_demand):
            if len(lines) > LINES_MAX:
                raise Reject("too_many_pieces", f"more than {LINES_MAX} lines in one event")
            checked(sum([line.amount for line in lines]))
        if self.tallies is not None:
            self.tallies.close()

    def _inherit(self, piece: Piece, quantity: int) -> int:
        """Let plans pay that begin as the one before them runs out; give the quantity that stays uncovered."""
        usage = self._usage
        for purse, before in self._heirs:
            if quantity and purse.left > 0 and before.used_up():
                price = purse.book.price(usage.service, piece.meter, usage.dimensions)
                if price is not None:
                    draw = self._draw if price.model == PER_UNIT else self._draw_counted
                    quantity = draw(purse, price, piece, quantity)
        return quantity

    def _draw(self, purse: Purse, price: Price, piece: Piece, quantity: int) -> int:
        """Let a plan pay a quantity, up to what is left of it exactly; give the quantity that stays uncovered."""
        payer = purse.payer
        amount = amount_of(quantity, price)
        uncovered = 0
        if amount > payer.left:
            uncovered = divide_half_up(quantity * (amount - payer.left), amount)
            amount = payer.left
        payer.draw(amount, piece.time)
        self.paid.append(_line(piece, quantity - uncovered, amount, price, purse.book, payer.plan.id))
        return uncovered

    def _draw_counted(self, purse: Purse, price: Price, piece: Piece, quantity: int) -> int:
        """Let a plan pay a quantity part by part, each as _draw would; its counter takes what the plan covers."""
        payer, tally = purse.payer, self._tally(purse.plan)
        key = tally.key(price, piece.time)
        for part in parts_of(price, quantity, tally.at(key), payer.left):
            if not payer.left:
                break
            covered, amount = part.quantity, part.amount
            if amount > payer.left:
                covered -= divide_half_up(covered * (amount - payer.left), amount)
                amount = payer.left
            payer.draw(amount, piece.time)
            tally.add(key, covered)
            quantity -= covered
            self.paid.append(_part_line(piece, part, covered, amount, price, purse.book, payer.plan.id))
        return quantity

    def _on_demand(self, piece: Piece, quantity: int, book: Book) -> None:
        usage = self._usage
        price = book.price(usage.service, piece.meter, usage.dimensions)
        if price is None:
            what = " ".join(f"{name}={value}" for name, value in usage.dimensions)
            detail = f"book {book.name}:{book.version} has no price for {usage.service} {piece.meter} {what}".rstrip()
            raise Reject("unknown_price", detail)
        if price.model == PER_UNIT:
            self.on_demand.append(_line(piece, quantity, checked(amount_of(quantity, price)), price, book, None))
            return
        tally = self._tally(None)
        key = tally.key(price, piece.time)
        for part in parts_of(price, quantity, tally.at(key)):
            tally.add(key, part.quantity)
            line = _part_line(piece, part, part.quantity, checked(part.amount), price, book, None)
            self.on_demand.append(line)

    def _tally(self, plan: Plan | None) -> Tally:
        if self.tallies is None:
            self.tallies = Tallies(self._draft, self._appended, self._policy)
        return self.tallies.of(plan)

    def balances(self) -> tuple[Balance, ...]:
        """Give each plan that paid its remaining amount before and after, in draw order."""
        paying = {line.plan for line in self.paid}
        return tuple(
            [
                Balance(plan.id, plan.amount - plan.spent, plan.amount - plan.spent - purse.drawn)
                for purse in self._in_draw_order()
                for plan in (purse.plan,)
                if plan.id in paying
            ]
        )

    def drawn(self) -> list[Purse]:
        """List the purses that paid something, in draw order; those that have only begun by it come last."""
        drawn = [purse for purse in self._in_draw_order() if purse.drawn]
        return sorted(drawn, key=lambda purse: purse.plan.status == "scheduled") if self._heirs else drawn

    def _in_draw_order(self) -> list[Purse]:
        if not self._payers:
            return self.purses
        return sorted([*self.purses, *self._payers], key=lambda purse: draw_order(purse.plan))


def _book_of(plan: Plan, prices: Prices) -> Book:
    book = prices.book(plan.book, plan.book_version)
    if book is None:
        msg = f"plan {plan.id} pins book {plan.book}:{plan.book_version}, which is not among the prices read"
        raise LookupError(msg)
    return book


def amount_of(quantity: int, price: Price) -> int:
    """Price a quantity (millionths): one half-up rounding to the currency's quantum a piece."""
    return divide_half_up(quantity * price.unit_price, price.per * MILLIONTHS)


def _line(piece: Piece, quantity: int, amount: int, price: Price, book: Book, plan: str | None) -> Line:
    return Line(piece.time, piece.meter, quantity, price.unit_price, price.per, amount, book.name, book.version, plan)


def _part_line(
    piece: Piece, part: Part, quantity: int, amount: int, price: Price, book: Book, plan: str | None
) -> Line:
    return Line(
        piece.time,
        piece.meter,
        quantity,
        part.unit_price,
        price.per,
        amount,
        book.name,
        book.version,
        plan,
        part.tier,
        part.packages,
    )
