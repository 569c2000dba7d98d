"""What may go wrong at any moment, as often as the world allows. A paused owner is one that takes no step for long."""

from collections.abc import Iterator

from tests.model.basics import NAMES, Basics, assigned, less
from tests.model.states import OUT, Owner, Redis, State, Step


def of(shard: Basics, state: State) -> Iterator[Step]:
    """Give every fault that may happen now; those of writes and commits are with their steps."""
    yield from _of_the_group(shard, state)
    yield from _of_redis(state)
    yield from _of_the_log(shard, state)


def _of_the_group(shard: Basics, state: State) -> Iterator[Step]:
    left = state.faults
    if left.rebalances and state.group is not None:
        after = state._replace(faults=less(left, "rebalances"))
        for who in range(shard.world.workers):
            yield Step(f"a rebalance gives the shard to {NAMES[who]}", assigned(after, who), fault=True)
    if left.crashes:
        after = state._replace(faults=less(left, "crashes"))
        for who in range(shard.world.workers):
            if state.owners[who] != Owner():
                yield Step(f"{NAMES[who]} is killed", _killed(shard, after, who), fault=True)


def _killed(shard: Basics, state: State, who: int) -> State:
    after = shard.let_go(state, who)
    owners = tuple(Owner() if number == who else owner for number, owner in enumerate(after.owners))
    group = None if state.group == who else state.group
    return after._replace(owners=(owners[0], owners[1]), group=group)


def _of_redis(state: State) -> Iterator[Step]:
    left = state.faults
    if left.wipes and state.redis != Redis():
        yield Step("Redis is emptied", state._replace(redis=Redis(), faults=less(left, "wipes")), fault=True)
    if left.rollbacks and state.copy is None:
        yield Step("a copy of Redis is taken", state._replace(copy=state.redis), fault=True)
    if left.rollbacks and state.copy is not None and state.copy != state.redis:
        after = state._replace(redis=state.copy, copy=None, faults=less(left, "rollbacks"))
        yield Step("Redis goes back to the copy", after, fault=True)


def _of_the_log(shard: Basics, state: State) -> Iterator[Step]:
    left = state.faults
    if left.compactions and state.log:
        newest = shard.batches[state.log[-1]].number
        after = state._replace(compacted=newest, faults=less(left, "compactions"))
        yield Step("the changelog is compacted", after, fault=True)
    asleep = all(owner.step == OUT for owner in state.owners)
    if left.losses and state.log and asleep and not state.open and state.group is None:
        after = state._replace(log=state.log[:-1], faults=less(left, "losses"))
        yield Step("all workers being down, the log loses its newest transaction", after, fault=True)
