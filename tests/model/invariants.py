"""What must hold in every state, and what a quiet state is."""

from collections.abc import Iterator

from tests.model.basics import Basics
from tests.model.states import HALTED, IDLE, OUT, Batch, State
from tests.model.worlds import BAD


class Invariants:
    """The checkers of one world. What was found of a log is remembered: most steps leave the log as it is."""

    def __init__(self, shard: Basics) -> None:
        self._shard = shard
        self._of_logs: dict[tuple[int, ...], str | None] = {}

    def broken(self, state: State) -> str | None:
        """Say in words what is broken in a state; None if nothing is."""
        published = (*state.log, *state.loose)
        if published not in self._of_logs:
            self._of_logs[published] = next(self._log(published), None)
        return self._of_logs[published] or self._redis(state) or self._halt(state)

    def _log(self, chains: tuple[int, ...]) -> Iterator[str]:
        """Check uniqueness, positions and equivalence."""
        seen, letters, replayed = "", set[int](), ""
        position, previous = 0, 0
        for chain in chains:
            batch = self._shard.batches[chain]
            replayed += batch.ids
            for one in batch.ids:
                if one in seen:
                    yield f"uniqueness: id {one} is committed twice"
                seen += one
            for place in self._refused(batch):
                if place in letters:
                    yield f"completeness: the record at {place} is a dead letter twice"
                letters.add(place)
            if batch.start != position:
                yield f"positions: taken up to {position}, and the next commit begins at {batch.start}"
            if batch.previous != previous:
                yield f"order: commit {batch.number} does not follow the one before it"
            if batch.state != replayed:
                yield f"equivalence: the state is {batch.state!r}, a replay gives {replayed!r}"
            position, previous = batch.end, chain

    def _refused(self, batch: Batch) -> Iterator[int]:
        for place in range(batch.start, batch.end):
            if self._shard.world.events[place] == BAD or self._shard.too_late(place):
                yield place

    def _redis(self, state: State) -> str | None:
        """Check that Redis equals the log at its cursor, and knows nothing that the log does not hold."""
        redis, batches = state.redis, self._shard.batches
        if redis.cursor == 0:
            return None
        if redis.cursor not in state.log:
            lost = self._shard.world.faults.losses > state.faults.losses
            return (
                None if lost else f"cache: Redis is at commit {batches[redis.cursor].number}, which is not in the log"
            )
        batch = batches[redis.cursor]
        if redis.state != batch.state:
            return f"cache: Redis holds state {redis.state!r} at a cursor where the log has {batch.state!r}"
        reached = state.log[: state.log.index(redis.cursor) + 1]
        known = "".join(one for chain in reached for one in batches[chain].ids)
        taken = batches[state.log[-1]].end  # an id is needed for records that no commit has taken yet, and no others
        missing = [one for one in self._shard.remembered(known, taken - 1) if one not in redis.ids]
        if missing:
            return f"cache: Redis does not know id {missing[0]}, which the log holds up to its cursor"
        logged = "".join(one for chain in (*state.log, *state.loose) for one in batches[chain].ids)
        if any(one not in logged for one in redis.ids):
            return "cache: Redis knows an id that the log does not hold"
        return None

    def _halt(self, state: State) -> str | None:
        lost = self._shard.world.faults.losses > state.faults.losses
        if not lost and any(owner.step == HALTED for owner in state.owners):
            return "liveness: an owner stopped though the log has lost nothing"
        return None

    def quiet(self, state: State) -> bool:
        """Say whether all is taken and applied, and nothing is under way; or an owner halted over a lost log."""
        if any(owner.step == HALTED for owner in state.owners):
            return True
        if state.group is None or state.open or state.late or state.loose:
            return False
        owner, other = state.owners[state.group], state.owners[1 - state.group]
        newest = state.log[-1] if state.log else 0
        return (
            owner.step == IDLE
            and owner.current
            and other.step == OUT
            and owner.position == len(self._shard.world.events)
            and owner.cursor == newest == state.redis.cursor
            and self._complete(state)
        )

    def _complete(self, state: State) -> bool:
        """Check that every id has exactly one outcome, given that none has two."""
        ids = {one for chain in state.log for one in self._shard.batches[chain].ids}
        return ids == set(self._shard.world.events) - {BAD}
