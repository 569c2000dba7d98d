"""For every rule: what is taken out, on which world, and how the violation begins that the model then finds."""

from typing import NamedTuple

from tests.model.rules import Rule
from tests.model.states import Faults
from tests.model.worlds import World


class Case(NamedTuple):
    """A rule taken out. found: the violation's first words; None where nothing is found, with the reason in `why`."""

    rules: tuple[Rule, ...]
    world: World
    found: str | None
    why: str = ""


_HANDED_OVER = World("handed over", "ab", Faults(rebalances=1, unknown=1))
_CRASH = World("handed over with a crash", "ab!", Faults(rebalances=1, crashes=1))
_WIPED = World("wiped", "aba", Faults(wipes=1), workers=1)
_REBUILDS = World("two rebuilds", "ab", Faults(rebalances=1, wipes=1))
_BAD = World("a bad record", "!", Faults(crashes=1), workers=1)
_FETCHES = World("fetches", "abc", Faults(unknown=1), fetches=True, workers=1)
_ROLLED_BACK = World("Redis rolled back", "ab", Faults(wipes=1, rollbacks=1), workers=1)
_LOST_LOG = World("lost log", "abc", Faults(crashes=2, losses=1, rollbacks=1), workers=1)
_ANOTHER_CHAIN = World(
    "lost log, Redis emptied", "abc", Faults(crashes=1, wipes=1, losses=1, rollbacks=1), take_max=2, workers=1
)
_COMPACTED = World("compacted", "aba", Faults(crashes=1, compactions=1, rollbacks=1), workers=1)
_BY_HAND = World("rebuilt by hand", "ab", Faults(hands=1, rollbacks=1), workers=1)
_IN_PLACE_TOO = World("rebuilt by hand and in place", "ab", Faults(hands=1, wipes=1), workers=1)

CASES = (
    Case((Rule.FENCE,), _HANDED_OVER, "uniqueness"),
    Case((Rule.FENCE_BEFORE_READ,), _CRASH, "uniqueness"),
    Case((Rule.LOOK_UP_CURSOR,), World("wiped", "aa", Faults(wipes=1), workers=1), "uniqueness"),
    Case((Rule.LOOK_UP_TOKEN,), _LOST_LOG, "equivalence"),
    Case((Rule.PROBE,), World("wiped", "a", Faults(wipes=1), workers=1), "liveness: nothing goes on"),
    Case((Rule.APPLY_AFTER_COMMIT,), _CRASH, "cache: Redis is at commit 1, which is not in the log"),
    Case((Rule.APPLY_CONDITIONAL,), _WIPED, "cache: Redis does not know id a"),
    Case((Rule.ONE_TRANSACTION,), World("killed", "a", Faults(crashes=1), workers=1), "uniqueness"),
    Case((Rule.POSITIONS,), _BAD, "completeness: the record at 0 is a dead letter twice"),
    Case((Rule.IDS_WITHIN_TAKE,), World("take of two", "aa", Faults(), take_max=2, workers=1), "uniqueness"),
    Case((Rule.PROVE_OWNERSHIP,), _HANDED_OVER, "liveness: the owners go round for ever"),
    Case((Rule.CHAIN_COMPARED,), _ANOTHER_CHAIN, "cache: Redis does not know id b"),
    Case((Rule.CATCH_UP_CHAIN,), _ANOTHER_CHAIN, "cache: Redis does not know id"),
    Case((Rule.CATCH_UP_NUMBER, Rule.CATCH_UP_CHAIN), _COMPACTED, "cache: Redis does not know id"),
    Case((Rule.CATCH_UP_NUMBER,), _COMPACTED, None, "what does not name the chain before it is refused already"),
    Case((Rule.READ_AGAIN,), _HANDED_OVER, "liveness: an owner stopped though the log has lost nothing"),
    Case((Rule.REBUILD_TOKEN,), _REBUILDS, "cache: Redis holds state"),
    Case((Rule.CHUNKS_COUNTED,), _ROLLED_BACK, "cache: Redis does not know id a"),
    Case((Rule.TOKEN_FIRST,), _REBUILDS, "cache: Redis holds state"),
    Case((Rule.BATCH_EPOCH,), _FETCHES, "liveness: an owner stopped though the log has lost nothing"),
    Case((Rule.BATCH_START,), _FETCHES, None, "a stale batch is dropped for its epoch already"),
    Case((Rule.BATCH_EPOCH, Rule.BATCH_START), _FETCHES, "positions"),
    Case((Rule.STATES_DROPPED,), World("handed over twice", "abc", Faults(rebalances=1)), "equivalence"),
    Case((Rule.FORGET_BY_WATERMARK,), World("forgetting", "aab", Faults(), window=2, workers=1), "cache: Redis does"),
    Case((Rule.HAND_CHUNKS_COUNTED,), _BY_HAND, "cache: Redis does not know id"),
    Case((Rule.HAND_TOKEN_FIRST,), World("two hands", "a", Faults(hands=2), workers=1), "cache: Redis holds state ''"),
    Case(
        (Rule.SWAP_CONDITIONAL,), _IN_PLACE_TOO, None, "what is swapped in goes with its cursor: the owner catches up"
    ),
    Case((Rule.SWAP_ENDS_REBUILD,), _IN_PLACE_TOO, "cache: Redis"),
)
