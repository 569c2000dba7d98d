"""The protocol of section 4 for one shard, as steps between states. README.md says what each stands for."""

from collections.abc import Callable, Iterator

from tests.model import faults
from tests.model.basics import NAMES, assigned
from tests.model.by_hand import ByHand
from tests.model.cycling import Cycling
from tests.model.recovering import Recovering
from tests.model.rules import Rule
from tests.model.states import (
    ASK,
    BRING,
    CATCH_UP,
    CHECK_END,
    CLEAN,
    COMMITTED,
    DECIDED,
    DOUBT,
    EMPTY,
    FENCE,
    FINISH,
    IDLE,
    LOAD_IDS,
    LOAD_STATES,
    OUT,
    READ,
    READ_AGAIN,
    RECORD,
    SEEK,
    SENT,
    Owner,
    State,
    Step,
)
from tests.model.worlds import World


class Shard(Recovering, Cycling, ByHand):
    """All steps that can happen in a state: of the owners, of what is on its way, and the faults."""

    def __init__(self, world: World, without: frozenset[Rule] = frozenset()) -> None:
        super().__init__(world, without)
        self._steps: dict[str, Callable[[State, int, Owner], Iterator[Step]]] = {
            OUT: self._out,
            FENCE: self._fence,
            READ: self._read,
            BRING: self._bring,
            READ_AGAIN: self._read_again,
            CATCH_UP: self._catch_up,
            EMPTY: self._empty,
            CLEAN: self._rebuild_write,
            CHECK_END: self._check_end,
            LOAD_STATES: self._rebuild_write,
            LOAD_IDS: self._rebuild_write,
            FINISH: self._rebuild_write,
            SEEK: self._seek,
            IDLE: self._idle,
            DECIDED: self._decided,
            SENT: self._sent,
            RECORD: self._record,
            COMMITTED: self._committed,
            ASK: self._ask,
            DOUBT: self._doubt,
        }

    def first(self) -> State:
        return State(self.world.faults)

    def steps(self, state: State) -> Iterator[Step]:
        for who in range(self.world.workers):
            owner = state.owners[who]
            if owner.step in self._steps:
                yield from self._steps[owner.step](state, who, owner)
            if owner.told and not owner.current:
                yield from self._hear(state, who, owner)
            if self.world.fetches:
                yield from self._fetch(state, who, owner)
        if state.group is None:
            for who in range(self.world.workers):
                yield Step(f"the group assigns the shard to {NAMES[who]}", assigned(state, who))
        for entry in state.open:
            if entry[2]:
                rest = tuple(other for other in state.open if other != entry)
                yield Step("the broker carries out the commit that was asked for", self._logged(state, entry[1], rest))
        if state.late is not None:
            redis = self.write(state.redis, state.late)
            yield Step(
                f"Redis gets the late write ({state.late.kind})" + ("" if redis else ", and refuses it"),
                state._replace(redis=redis or state.redis, late=None),
            )
        yield from self.by_hand(state)
        yield from faults.of(self, state)
