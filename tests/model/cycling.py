"""An owner takes, decides, commits and applies: engine/cycle.py, and the frame of it in engine/runtime.py."""

from collections.abc import Iterator

from tests.model.basics import NAMES, Basics, less, put
from tests.model.rules import Rule
from tests.model.states import (
    ASK,
    COMMITTED,
    DECIDED,
    FENCE,
    HALTED,
    IDLE,
    IN_COMMIT,
    RECORD,
    SENT,
    Batch,
    Call,
    Owner,
    State,
    Step,
)
from tests.model.worlds import BAD

TAKING = frozenset({DECIDED, SENT, RECORD, COMMITTED, ASK})


class Cycling(Basics):
    """From the opened shard to the next doubt."""

    def _idle(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        end = len(self.world.events)
        moved = not self._same(state.redis.cursor, owner.cursor)
        if owner.position == end and moved and self.holds(Rule.PROBE):
            yield Step(f"{NAMES[who]} probes: Redis is elsewhere, doubt", self._in_doubt(state, who, owner))
        if owner.current and state.offsets != owner.position and not self.holds(Rule.POSITIONS):
            yield Step(f"{NAMES[who]} commits offset {owner.position}", state._replace(offsets=owner.position))
        yield from self._forget(state, who, owner)
        spans = [owner.queue] if owner.queue else []
        if not self.world.fetches:
            spans = self._spans(owner.position)
        for start, upto in spans:
            yield self._look_up(state, who, owner, start, upto)

    def _spans(self, start: int) -> list[tuple[int, int]]:
        end = min(start + self.world.take_max, len(self.world.events))
        return [(start, upto) for upto in range(start + 1, end + 1)]

    def _look_up(self, state: State, who: int, owner: Owner, start: int, upto: int) -> Step:
        redis = state.redis
        moved = not self._same(redis.cursor, owner.cursor) or (redis.token and self.holds(Rule.LOOK_UP_TOKEN))
        if moved and self.holds(Rule.LOOK_UP_CURSOR):
            words = f"looks up {self._span(start, upto)}: Redis is at {self._at(redis.cursor)}, doubt"
            return Step(f"{NAMES[who]} {words}", self._in_doubt(state, who, owner))
        held = owner.cached if owner.cached is not None else redis.state
        ids = ""
        for place in range(start, upto):
            event = self.world.events[place]
            known = event in redis.ids or (event in ids and self.holds(Rule.IDS_WITHIN_TAKE))
            if event != BAD and not self.too_late(place) and not known:
                ids += event
        batch = Batch(self.batches[owner.cursor].number + 1, owner.cursor, start, upto, ids, held + ids)
        decided = owner._replace(step=DECIDED, take=self._chain(batch), queue=None)
        words = f"looks up {self._span(start, upto)} and accepts {ids or 'nothing'}"
        return Step(f"{NAMES[who]} {words}", put(state, who, decided))

    def _decided(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        if not self.holds(Rule.APPLY_AFTER_COMMIT) and state.redis.cursor != owner.take:
            redis = self.write(state.redis, Call(COMMITTED, owner.cursor, 0, owner.take))
            if redis is None:
                yield Step(f"{NAMES[who]} finds that Redis moved: doubt", self._in_doubt(state, who, owner))
            else:
                yield Step(
                    f"{NAMES[who]} applies {self._at(owner.take)} before its commit", state._replace(redis=redis)
                )
            return
        if who not in state.holders:
            yield Step(f"{NAMES[who]} is refused, being fenced: doubt", self._in_doubt(state, who, owner))
            return
        sent = put(state._replace(open=(*state.open, (who, owner.take, False))), who, owner._replace(step=SENT))
        yield Step(f"{NAMES[who]} begins transaction {self._at(owner.take)} and appends", sent)

    def _sent(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        entry = (who, owner.take, False)
        if entry not in state.open:
            yield Step(f"{NAMES[who]} is refused, being fenced: doubt", self._in_doubt(state, who, owner))
            return
        rest = tuple(other for other in state.open if other != entry)
        faults = state.faults
        if faults.unknown:
            asked = state._replace(open=(*rest, (who, owner.take, True)), faults=less(faults, "unknown"))
            words = f"{NAMES[who]} hears no answer to its commit of {self._at(owner.take)}: doubt"
            yield Step(words, self._in_doubt(asked, who, owner), fault=True)
        if not self.holds(Rule.ONE_TRANSACTION):
            after = put(state._replace(open=rest, loose=(*state.loose, owner.take)), who, owner._replace(step=RECORD))
            yield Step(f"{NAMES[who]} commits the outputs of {self._at(owner.take)}", after)
            return
        after = put(self._logged(state, owner.take, rest), who, owner._replace(step=COMMITTED))
        yield Step(f"{NAMES[who]} commits {self._at(owner.take)}", after)

    def _record(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        """Write the commit record in a transaction of its own: only without the rule."""
        if who not in state.holders:
            yield Step(f"{NAMES[who]} is refused, being fenced: doubt", self._in_doubt(state, who, owner))
            return
        loose = tuple(chain for chain in state.loose if chain != owner.take)
        after = self._logged(state._replace(loose=loose), owner.take, state.open)
        yield Step(
            f"{NAMES[who]} commits the commit record of {self._at(owner.take)}",
            put(after, who, owner._replace(step=COMMITTED)),
        )

    def _committed(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        call = Call(COMMITTED, owner.cursor, 0, owner.take)
        applied = not self.holds(Rule.APPLY_AFTER_COMMIT) and state.redis.cursor == owner.take
        redis = state.redis if applied else self.write(state.redis, call)
        if redis is None:
            yield Step(
                f"{NAMES[who]} is refused its apply of {self._at(owner.take)}: doubt", self._in_doubt(state, who, owner)
            )
            return
        yield self._settled(state._replace(redis=redis), who, owner, f"applies {self._at(owner.take)}")
        yield from self._outages(state, who, owner, call, ASK)

    def _ask(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        if self._same(state.redis.cursor, owner.take):
            yield self._settled(state, who, owner, f"asks: Redis is at {self._at(owner.take)}")
        else:
            asked = put(state, who, owner._replace(step=COMMITTED))
            yield Step(f"{NAMES[who]} asks: Redis is not at {self._at(owner.take)}", asked)

    def _settled(self, state: State, who: int, owner: Owner, words: str) -> Step:
        batch = self.batches[owner.take]
        settled = Owner(
            IDLE,
            owner.told,
            owner.current,
            owner.take,
            batch.end,
            cached=batch.state,
            flight=owner.flight,
            queue=owner.queue,
        )
        after = put(state, who, settled)
        return Step(f"{NAMES[who]} {words}", after if owner.told else self.let_go(after, who))

    def _doubt(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        if self.holds(Rule.PROVE_OWNERSHIP) and not (state.group == who and owner.current):
            return  # refused, again and again, until it hears of the rebalance
        words = "proves that the shard is its own" if self.holds(Rule.PROVE_OWNERSHIP) else "tries again"
        yield Step(f"{NAMES[who]} {words}", put(state, who, owner._replace(step=FENCE)))

    def _hear(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        yield Step(f"{NAMES[who]} hears of the rebalance and lets go", self.let_go(state, who))
        if owner.step in IN_COMMIT:
            going = owner._replace(told=False)
            yield Step(f"{NAMES[who]} hears of the rebalance and ends its commit first", put(state, who, going))

    def _fetch(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        """Fetch what follows; deliver what was fetched: it may be stale by then."""
        open_ = owner.step == IDLE or owner.step in TAKING
        reached = self._fetched_to(owner)
        if owner.flight is None:
            for start, upto in self._spans(reached) if open_ and owner.queue is None else []:
                fetched = owner._replace(flight=(True, start, upto))
                yield Step(f"{NAMES[who]} fetches {self._span(start, upto)}", put(state, who, fetched))
            return
        fresh, start, upto = owner.flight
        landed = owner._replace(flight=None)
        if not fresh and self.holds(Rule.BATCH_EPOCH):
            yield Step(f"{NAMES[who]} drops a stale fetch", put(state, who, landed))
        elif not open_:
            yield Step(f"{NAMES[who]} drops a fetch, the shard being closed", put(state, who, landed))
        elif start != reached and self.holds(Rule.BATCH_START):
            words = f"{NAMES[who]} is given {self._span(start, upto)} but has fetched to {reached}: it stops"
            yield Step(words, put(state, who, landed._replace(step=HALTED)))
        else:
            words = f"{NAMES[who]} is given {self._span(start, upto)}"
            yield Step(words, put(state, who, landed._replace(queue=(start, upto))))

    def _fetched_to(self, owner: Owner) -> int:
        if owner.queue is not None:
            return owner.queue[1]
        return self.batches[owner.take].end if owner.step in TAKING else owner.position

    def _forget(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        if self.world.window is None or not state.redis.ids:
            return
        watermark = owner.position - 1 if self.holds(Rule.FORGET_BY_WATERMARK) else len(self.world.events)
        ids = self.remembered(state.redis.ids, watermark)
        if ids != state.redis.ids:
            forgotten = state._replace(redis=state.redis._replace(ids=ids))
            yield Step(f"{NAMES[who]} forgets ids, {ids or 'none'} stay", forgotten)
