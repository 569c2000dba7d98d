"""What the model is run on: an input, what may go wrong and how often."""

from typing import NamedTuple

from tests.model.states import Faults

BAD = "!"  # a record that cannot be decoded: a dead letter, and its id is not remembered


class World(NamedTuple):
    """events: one letter an event id, in order of the input. take_max: records in a take at most.

    window: an id that comes more than so many places after the first is too late, and may be forgotten by then;
    None: ids are kept. fetches: whether fetching and delivery are steps of their own. workers: 1 or 2.
    """

    name: str
    events: str
    faults: Faults
    take_max: int = 1
    window: int | None = None
    fetches: bool = False
    workers: int = 2


SMALL = (
    World("one owner", "aba", Faults(crashes=1, unknown=1, wipes=1), take_max=2, workers=1),
    World("handed over", "ab", Faults(rebalances=1, unknown=1)),
    World("handed over with a crash", "a!a", Faults(rebalances=1, crashes=1)),
    World("Redis rolled back", "aab", Faults(wipes=1, rollbacks=1), workers=1),
    World("late writes", "ab", Faults(outages=1, crashes=1), workers=1),
    World("fetches", "ab", Faults(unknown=1, crashes=1), fetches=True, workers=1),
    World("compacted", "aba", Faults(crashes=1, compactions=1, rollbacks=1), workers=1),
    World("lost log", "ab", Faults(crashes=2, losses=1, rollbacks=1), take_max=2, workers=1),
    World("forgetting", "aab!a", Faults(crashes=1, wipes=1), window=2, workers=1),
    World("rebuilt by hand", "ab", Faults(hands=1, rollbacks=1), workers=1),
)

FULL = (
    World("one owner", "aba!b", Faults(crashes=2, unknown=2, outages=1, wipes=1), take_max=2, workers=1),
    World("two rebalances, unknown commits", "aba!", Faults(rebalances=2, unknown=1, crashes=1), take_max=2),
    World("two rebalances, Redis wiped", "ab", Faults(rebalances=2, wipes=1)),
    World("Redis wiped and rolled back", "aba", Faults(rebalances=1, wipes=1, rollbacks=1), take_max=2),
    World("late writes and crash", "ab", Faults(rebalances=1, outages=1, crashes=1, unknown=1)),
    World("late writes and wipe", "ab", Faults(rebalances=1, outages=1, wipes=1)),
    World("fetches", "abc", Faults(rebalances=1, unknown=1, crashes=1), take_max=2, fetches=True),
    World("compacted", "ab!a", Faults(crashes=1, compactions=1, rollbacks=1), take_max=2),
    World("lost log", "abc", Faults(crashes=2, wipes=1, losses=1, rollbacks=1), take_max=2),
    World("forgetting", "aab!a", Faults(rebalances=1, crashes=1, wipes=1), window=2),
    World("rebuilt by hand", "ab", Faults(hands=1, wipes=1, rollbacks=1, crashes=1, unknown=1), workers=1),
    World("rebuilt by hand, handed over", "ab", Faults(hands=1, rebalances=1, wipes=1)),
    World("rebuilt by two hands", "ab", Faults(hands=2, wipes=1), workers=1),
)
