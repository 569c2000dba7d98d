"""An owner is told of the shard, and recovers it: engine/recovery.py, and the frame of it in engine/runtime.py."""

from collections.abc import Iterator

from tests.model.basics import NAMES, Basics, put
from tests.model.rules import Rule
from tests.model.states import (
    BRING,
    CATCH_UP,
    CHECK_END,
    CLEAN,
    COMMITTED,
    DOUBT,
    EMPTY,
    FENCE,
    FINISH,
    HALTED,
    IDLE,
    LOAD_IDS,
    LOAD_STATES,
    READ,
    READ_AGAIN,
    SEEK,
    Call,
    Owner,
    State,
    Step,
)


class Recovering(Basics):
    """From the assignment to the opened shard."""

    def _out(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        if state.group == who and not owner.told:
            told = owner._replace(step=FENCE, told=True, current=True)
            yield Step(f"{NAMES[who]} is told that the shard is its own", put(state, who, told))

    def _fence(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        if not self.holds(Rule.FENCE_BEFORE_READ) and owner.newest == 0 and state.log:
            owner = owner._replace(newest=state.log[-1])
            yield Step(f"{NAMES[who]} reads the newest commit, {self._at(owner.newest)}", put(state, who, owner))
            return
        after = put(state, who, owner._replace(step=READ))
        if self.holds(Rule.FENCE):
            after = after._replace(open=(), holders=(who,))
        else:
            after = after._replace(holders=tuple(sorted({*state.holders, who})))
        yield Step(f"{NAMES[who]} fences", after)

    def _read(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        newest = state.log[-1] if state.log else 0
        if not self.holds(Rule.FENCE_BEFORE_READ):
            newest = owner.newest
        yield Step(
            f"{NAMES[who]} reads the newest commit, {self._at(newest)}",
            put(state, who, owner._replace(step=BRING, newest=newest)),
        )

    def _bring(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        cursor, newest = state.redis.cursor, owner.newest
        found, wanted = self.batches[cursor].number, self.batches[newest].number
        if found > wanted:
            step, words = HALTED, "finds Redis ahead of the log and halts"
            if self.holds(Rule.READ_AGAIN):
                step, words = READ_AGAIN, "finds Redis ahead of what it has read"
        elif newest == 0:
            step, words = EMPTY, "finds an empty log: Redis is to be emptied"
        elif self._same(cursor, newest):
            step, words = SEEK, "finds Redis where the log is"
        elif 0 < found < wanted:
            step, words = CATCH_UP, f"finds Redis at {self._at(cursor)}: it catches up"
        else:
            step, words = EMPTY, f"finds Redis at {self._at(cursor)}: it rebuilds"
        yield Step(f"{NAMES[who]} {words}", put(state, who, owner._replace(step=step, reached=cursor)))

    def _read_again(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        newest = state.log[-1] if state.log else 0
        if self.batches[newest].number < self.batches[owner.reached].number:
            halted = put(state, who, owner._replace(step=HALTED))
            yield Step(f"{NAMES[who]} reads {self._at(newest)} again and halts: the log lost data", halted)
        else:
            yield Step(f"{NAMES[who]} reads that the log went on: doubt", self._in_doubt(state, who, owner))

    def _catch_up(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        at = max(self.batches[owner.reached].number, state.compacted - 1)
        if at >= len(state.log):
            step = SEEK if self._same(owner.reached, owner.newest) else EMPTY
            words = "is caught up" if step == SEEK else "is not where the newest commit was: it rebuilds"
            yield Step(f"{NAMES[who]} {words}", put(state, who, owner._replace(step=step)))
            return
        chain = state.log[at]
        batch, reached = self.batches[chain], self.batches[owner.reached]
        gap = self.holds(Rule.CATCH_UP_NUMBER) and batch.number != reached.number + 1
        other = self.holds(Rule.CATCH_UP_CHAIN) and batch.previous != owner.reached
        if gap or other:
            words = f"finds that {self._at(chain)} does not follow: it rebuilds"
            yield Step(f"{NAMES[who]} {words}", put(state, who, owner._replace(step=EMPTY)))
            return
        call = Call(COMMITTED, owner.reached, 0, chain)
        redis = self.write(state.redis, call)
        if redis is None:
            yield Step(f"{NAMES[who]} finds that Redis moved: doubt", self._in_doubt(state, who, owner))
            return
        yield Step(
            f"{NAMES[who]} applies {self._at(chain)}, catching up",
            put(state._replace(redis=redis), who, owner._replace(reached=chain)),
        )

    def _empty(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        """Begin a rebuild: take the cursor away and set a token that nobody else has."""
        others = {state.redis.token, *(one.token for one in state.owners)}
        others |= {state.copy.token if state.copy else 0, state.late.guard if state.late else 0}
        token = next(number for number in range(1, 9) if number not in others)
        owner = owner._replace(token=token, chunk=0)
        yield from self._rebuild_write(state, who, owner)

    def _rebuild_write(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        """Do one write of a rebuild; each is refused when the token is not the owner's any more."""
        following = {EMPTY: CLEAN, CLEAN: CHECK_END, LOAD_STATES: LOAD_IDS, LOAD_IDS: FINISH, FINISH: SEEK}
        step = following[owner.step]
        if step == CHECK_END and owner.newest == 0:
            step = FINISH
        ids = self._ids_to_load(state, owner.newest) if owner.step == LOAD_IDS else ""
        call = Call(owner.step, owner.token, owner.chunk, owner.newest, ids)
        redis = self.write(state.redis, call)
        if redis is None:
            yield Step(
                f"{NAMES[who]} finds another token in Redis ({owner.step}): doubt", self._in_doubt(state, who, owner)
            )
            return
        done = owner._replace(step=step, chunk=owner.chunk + 1)
        after = put(state._replace(redis=redis), who, done)
        yield Step(f"{NAMES[who]} rebuilds Redis at {self._at(owner.newest)}: {owner.step}", after)
        yield from self._outages(state, who, owner, call, DOUBT)

    def _check_end(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        if state.log[-1] != owner.newest:
            yield Step(f"{NAMES[who]} finds that the log went on: doubt", self._in_doubt(state, who, owner))
            return
        yield Step(f"{NAMES[who]} has read the states", put(state, who, owner._replace(step=LOAD_STATES)))

    def _seek(self, state: State, who: int, owner: Owner) -> Iterator[Step]:
        position = self.batches[owner.newest].end
        if not self.holds(Rule.POSITIONS):
            position = state.offsets
        opened = Owner(
            IDLE, owner.told, owner.current, owner.newest, position, cached=self.kept(owner), flight=owner.flight
        )
        yield Step(f"{NAMES[who]} seeks to {position} and opens the shard", put(state, who, opened))
