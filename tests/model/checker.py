"""An explicit-state checker: breadth first over all states, so that the first violation found has a shortest trace."""

import itertools
import time
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from tests.model.invariants import Invariants
from tests.model.shard import Shard
from tests.model.states import State, Step


class Violation(NamedTuple):
    """What is broken, and the shortest way there in words."""

    what: str
    trace: list[str]


class Found(NamedTuple):
    """What an exploration saw. depth: steps on the longest of the shortest ways; whole: nothing was left out."""

    states: int
    steps: int
    depth: int
    whole: bool
    seconds: float
    violation: Violation | None


class Explored:
    """The states found so far, with the way to each and its steps that are no faults."""

    def __init__(self, first: State) -> None:
        self.states = [first]
        self.numbers = {first: 0}
        self.parents = array("l", [-1])
        self.depths = array("l", [0])
        self.steps = 0
        self.free: list[tuple[int, ...]] = []  # by state: where its steps without faults lead

    def add(self, state: State, parent: int) -> tuple[int, bool]:
        """Give the state's number, and whether it is new."""
        known = self.numbers.get(state)
        if known is not None:
            return known, False
        number = self.numbers[state] = len(self.states)
        self.states.append(state)
        self.parents.append(parent)
        self.depths.append(self.depths[parent] + 1)
        return number, True


def explore(shard: Shard, depth_max: int | None = None) -> Found:
    """Visit every state within `depth_max` steps; check invariants in each and, if that is all there are, liveness."""
    began = time.monotonic()
    invariants = Invariants(shard)
    explored = Explored(shard.first())
    whole, violation, at = True, None, 0
    while at < len(explored.states) and violation is None:
        if depth_max is not None and explored.depths[at] >= depth_max:
            whole = False
            break
        free = []
        for step in shard.steps(explored.states[at]):
            explored.steps += 1
            number, new = explored.add(step.to, at)
            if not step.fault:
                free.append(number)
            if new and (what := invariants.broken(step.to)):
                violation = Violation(what, _trace(shard, explored, number))
                break
        explored.free.append(tuple(free))
        at += 1
    if violation is None and whole:
        violation = _stuck(shard, invariants, explored) or _cycle(shard, explored)
    took = time.monotonic() - began
    return Found(len(explored.states), explored.steps, max(explored.depths), whole, took, violation)


def _stuck(shard: Shard, invariants: Invariants, explored: Explored) -> Violation | None:
    """Find a state from which nothing goes on without a fault, though it is not quiet."""
    for number, free in enumerate(explored.free):
        if not free and not invariants.quiet(explored.states[number]):
            return Violation("liveness: nothing goes on, and not all is taken", _trace(shard, explored, number))
    return None


def _cycle(shard: Shard, explored: Explored) -> Violation | None:
    """Find a way that goes round for ever without a fault: then a quiet state need never be reached."""
    entering = array("l", [0]) * len(explored.free)
    for free in explored.free:
        for number in free:
            entering[number] += 1
    ready = [number for number, count in enumerate(entering) if count == 0]
    removed = 0
    while ready:
        removed += 1
        for number in explored.free[ready.pop()]:
            entering[number] -= 1
            if entering[number] == 0:
                ready.append(number)
    if removed == len(explored.free):
        return None
    around = _around(explored.free, entering)
    trace = _trace(shard, explored, around[0])
    states = [explored.states[number] for number in (*around, around[0])]
    trace += ["from here it goes round for ever:"]
    trace += [_words(shard, before, after) for before, after in itertools.pairwise(states)]
    return Violation("liveness: the owners go round for ever", trace)


def _around(free: Sequence[tuple[int, ...]], entering: Sequence[int]) -> list[int]:
    """Give a shortest cycle through the first state found to be on one."""
    left = {number for number, count in enumerate(entering) if count}
    for start in sorted(left):
        came: dict[int, int] = {}
        waiting = [start]
        for number in waiting:
            for following in free[number]:
                if following == start:
                    way = [number]
                    while way[-1] != start:
                        way.append(came[way[-1]])
                    return way[::-1]
                if following in left and following not in came:
                    came[following] = number
                    waiting.append(following)
    raise AssertionError("no cycle among the states that are left")


def _trace(shard: Shard, explored: Explored, number: int) -> list[str]:
    way = [number]
    while explored.parents[way[-1]] >= 0:
        way.append(explored.parents[way[-1]])
    states = [explored.states[one] for one in reversed(way)]
    return [_words(shard, before, after) for before, after in itertools.pairwise(states)]


def _words(shard: Shard, before: State, after: State) -> str:
    steps: list[Step] = [step for step in shard.steps(before) if step.to == after]
    return steps[0].words
