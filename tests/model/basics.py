"""What both halves of the protocol use: chains, what a write does to Redis, letting go."""

from collections.abc import Iterator

from tests.model.rules import Rule
from tests.model.states import (
    ASK,
    CLEAN,
    COMMITTED,
    DOUBT,
    EMPTY,
    LOAD_IDS,
    LOAD_STATES,
    Batch,
    Call,
    Faults,
    Owner,
    Redis,
    State,
    Step,
)
from tests.model.worlds import World

NAMES = "AB"


class Basics:
    """One world under the rules, or without one of them."""

    def __init__(self, world: World, without: frozenset[Rule] = frozenset()) -> None:
        self.world = world
        self._without = without
        self.batches = [Batch(0, 0, 0, 0, "", "")]  # by chain; 0 is genesis
        self._chains: dict[Batch, int] = {}

    def holds(self, rule: Rule) -> bool:
        return rule not in self._without

    # --- what Redis does ----------------------------------------------------------------------

    def write(self, redis: Redis, call: Call) -> Redis | None:
        """Carry out a write in one piece, or refuse it."""
        batch = self.batches[call.chain]
        if call.kind == COMMITTED:
            differs = redis.cursor != call.guard if self._by_chain else not self._same(redis.cursor, call.guard)
            if self.holds(Rule.APPLY_CONDITIONAL) and (differs or (call.guard == 0 and redis.token)):
                return None
            ids = "".join(sorted({*redis.ids, *batch.ids}))
            return redis._replace(cursor=call.chain, state=batch.state, ids=ids)
        if call.kind == EMPTY:
            if self.holds(Rule.TOKEN_FIRST):
                return redis._replace(cursor=0, token=call.guard, chunk=1)
            return redis._replace(cursor=0)
        if call.kind == CLEAN and not self.holds(Rule.TOKEN_FIRST):
            return redis._replace(state="", ids="", token=call.guard, chunk=2)
        counted = redis.chunk == call.chunk or not self.holds(Rule.CHUNKS_COUNTED)
        if self.holds(Rule.REBUILD_TOKEN) and not (redis.token == call.guard and counted):
            return None
        redis = redis._replace(chunk=call.chunk + 1)
        if call.kind == CLEAN:
            return redis._replace(state="", ids="")
        if call.kind == LOAD_STATES:
            return redis._replace(state=batch.state)
        if call.kind == LOAD_IDS:
            return redis._replace(ids="".join(sorted({*redis.ids, *call.ids})))
        return redis._replace(cursor=call.chain, token=0, chunk=0)

    def _outages(self, state: State, who: int, owner: Owner, call: Call, then: str) -> Iterator[Step]:
        """Lose the answer of a write that took effect, or let it come late, perhaps after others."""
        if not state.faults.outages:
            return
        state = state._replace(faults=less(state.faults, "outages"))
        redis = self.write(state.redis, call)
        waits = put(state, who, owner._replace(step=then)) if then == ASK else self._in_doubt(state, who, owner)
        what = f"{NAMES[who]} hears no answer from Redis ({call.kind})"
        if redis is not None:
            yield Step(f"{what}, which has written", waits._replace(redis=redis), fault=True)
        if state.late is None:
            yield Step(f"{what}, which will write later", waits._replace(late=call), fault=True)

    # --- small things -------------------------------------------------------------------------

    @property
    def _by_chain(self) -> bool:
        return self.holds(Rule.CHAIN_COMPARED)

    def _same(self, one: int, other: int) -> bool:
        return one == other if self._by_chain else self.batches[one].number == self.batches[other].number

    def _chain(self, batch: Batch) -> int:
        if batch not in self._chains:
            self._chains[batch] = len(self.batches)
            self.batches.append(batch)
        return self._chains[batch]

    def _logged(self, state: State, chain: int, rest: tuple[tuple[int, int, bool], ...]) -> State:
        return state._replace(log=(*state.log, chain), open=rest)

    def _in_doubt(self, state: State, who: int, owner: Owner) -> State:
        """Let the producer and the queue go, and whatever was decided."""
        left = self.let_go(state, who)
        if not owner.told:
            return left
        return put(left, who, left.owners[who]._replace(step=DOUBT, told=True, current=owner.current))

    def let_go(self, state: State, who: int) -> State:
        """Close the producer: an open transaction of it is aborted unless its end was asked for."""
        owner = state.owners[who]
        stale = None if owner.flight is None else (False, *owner.flight[1:])
        left = tuple(entry for entry in state.open if entry[0] != who or entry[2])
        return put(state._replace(open=left), who, Owner(cached=self.kept(owner), flight=stale))

    def kept(self, owner: Owner) -> str | None:
        """Give the states in the worker's memory that outlive a recovery: none."""
        return None if self.holds(Rule.STATES_DROPPED) else owner.cached

    def too_late(self, place: int) -> bool:
        window = self.world.window
        return window is not None and place - self.world.events.index(self.world.events[place]) > window

    def remembered(self, ids: str, watermark: int) -> str:
        """Give those of the ids that must still be known when the input is taken up to `watermark`."""
        window = self.world.window
        if window is None:
            return ids
        return "".join(one for one in ids if self.world.events.index(one) + window >= watermark)

    def _ids_to_load(self, state: State, newest: int) -> str:
        found = "".join(sorted({one for chain in state.log for one in self.batches[chain].ids}))
        return self.remembered(found, self.batches[newest].end - 1)

    def _at(self, chain: int) -> str:
        batch = self.batches[chain]
        return f"commit {batch.number} ({batch.state or 'nothing'})" if chain else "the beginning"

    def _span(self, start: int, upto: int) -> str:
        return f"{self.world.events[start:upto]} at {start}"


def put(state: State, who: int, owner: Owner) -> State:
    first, second = state.owners
    return state._replace(owners=(owner, second) if who == 0 else (first, owner))


def assigned(state: State, who: int) -> State:
    """Let the coordinator assign the shard in a new generation; nobody has heard of it yet."""
    first, second = (owner._replace(current=False) for owner in state.owners)
    return state._replace(group=who, owners=(first, second))


def less(faults: Faults, name: str) -> Faults:
    return faults._replace(**{name: getattr(faults, name) - 1})
