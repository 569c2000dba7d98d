"""Somebody rebuilds the shard by hand beside its owner: engine/rebuild.py, and the fresh place in Redis."""

from collections.abc import Iterator

from tests.model.basics import Basics, less
from tests.model.rules import Rule
from tests.model.states import Fresh, Hand, Redis, State, Step

HELD, NEWEST, BEGIN, CLEAN, STATES, IDS, ASK, SWAP = (
    "reads Redis's cursor", "reads the newest commit", "sets its token", "empties the fresh place", "loads states",
    "loads ids", "asks Redis again", "swaps",
)  # fmt: skip
HANDS_AT_ONCE = 2


class ByHand(Basics):
    """A rebuild by hand, from its first look at Redis to the swap. It may be ended at any step, and is then no more."""

    def by_hand(self, state: State) -> Iterator[Step]:
        """Give every step of those that are under way, and of one that begins."""
        if state.faults.hands and len(state.hands) < HANDS_AT_ONCE:
            begun = state._replace(hands=(*state.hands, Hand(HELD)), faults=less(state.faults, "hands"))
            yield Step("somebody begins a rebuild by hand", begun, fault=True)
        for number, hand in enumerate(state.hands):
            yield Step("a rebuild by hand is ended", _put(state, number, None), fault=True)
            what, redis, after = self._hand(state, hand)
            yield Step(f"a rebuild by hand {what}", _put(state, number, after)._replace(redis=redis))

    def _hand(self, state: State, hand: Hand) -> tuple[str, Redis, Hand | None]:
        """Do its next step: what that is, Redis and the rebuild after it, None when it ends."""
        redis, newest = state.redis, state.log[-1] if state.log else 0
        if hand.step == HELD:
            return HELD, redis, hand._replace(step=NEWEST, held=redis.cursor)
        if hand.step == NEWEST:
            if self._is_ahead(hand.held, newest) or newest == 0:
                return "finds nothing that it can do, and ends", redis, None
            return NEWEST, redis, hand._replace(step=BEGIN if hand.token == 0 else STATES, newest=newest)
        if hand.step == ASK:
            ahead = self._is_ahead(redis.cursor, hand.newest)
            return ASK, redis, hand._replace(step=NEWEST if ahead else SWAP, held=redis.cursor)
        if hand.step == SWAP:
            return self._swap(redis, hand)
        return self._write_fresh(state, hand)

    def _write_fresh(self, state: State, hand: Hand) -> tuple[str, Redis, Hand | None]:
        """Write to the fresh place; but for the first time, only under the own token and after the write before."""
        fresh = state.redis.fresh
        first_step, second_step = (BEGIN, CLEAN) if self.holds(Rule.HAND_TOKEN_FIRST) else (CLEAN, BEGIN)
        step = hand.step
        if step in {BEGIN, CLEAN}:  # in which order, is the rule
            step = first_step if step == BEGIN else second_step
        if step == BEGIN:
            token = self._token(state)
            chunk = 1 if self.holds(Rule.HAND_TOKEN_FIRST) else 2
            hand = hand._replace(token=token, chunk=chunk)
            fresh = fresh._replace(token=token, chunk=chunk)
        elif step == CLEAN and not self.holds(Rule.HAND_TOKEN_FIRST):
            fresh = fresh._replace(state="", ids="")
        elif not self._is_whole(fresh, hand):
            return "finds another token, or a write missing, and ends", state.redis, None
        else:
            hand = hand._replace(chunk=hand.chunk + 1)
            fresh = self._filled(state, fresh, hand, step)._replace(chunk=fresh.chunk + 1)
        following = {BEGIN: CLEAN, CLEAN: STATES, STATES: IDS, IDS: ASK}
        return step, state.redis._replace(fresh=fresh), hand._replace(step=following[hand.step])

    def _filled(self, state: State, fresh: Fresh, hand: Hand, step: str) -> Fresh:
        if step == CLEAN:
            return fresh._replace(state="", ids="")
        if step == STATES:
            return fresh._replace(state=self.batches[hand.newest].state)
        upto = state.log.index(hand.newest) + 1 if hand.newest in state.log else len(state.log)
        ids = self._ids_to_load(state._replace(log=state.log[:upto]), hand.newest)
        return fresh._replace(ids="".join(sorted({*fresh.ids, *ids})))

    def _swap(self, redis: Redis, hand: Hand) -> tuple[str, Redis, Hand | None]:
        if not self._is_whole(redis.fresh, hand):
            return "finds another token, or a write missing, and ends", redis, None
        if redis.cursor != hand.held and self.holds(Rule.SWAP_CONDITIONAL):
            return "finds that the owner has moved on", redis, hand._replace(step=NEWEST, held=redis.cursor)
        swapped = redis._replace(cursor=hand.newest, state=redis.fresh.state, ids=redis.fresh.ids, fresh=Fresh())
        if self.holds(Rule.SWAP_ENDS_REBUILD):
            swapped = swapped._replace(token=0, chunk=0)
        return f"{SWAP} {self._at(hand.newest)} in", swapped, None

    def _is_whole(self, fresh: Fresh, hand: Hand) -> bool:
        return fresh.token == hand.token and (fresh.chunk == hand.chunk or not self.holds(Rule.HAND_CHUNKS_COUNTED))

    def _is_ahead(self, cursor: int, newest: int) -> bool:
        return self.batches[cursor].number > self.batches[newest].number

    def _token(self, state: State) -> int:
        others = {state.redis.fresh.token, *(hand.token for hand in state.hands)}
        others.add(state.copy.fresh.token if state.copy else 0)
        return next(number for number in range(1, 9) if number not in others)


def _put(state: State, number: int, hand: Hand | None) -> State:
    after = () if hand is None else (hand,)
    return state._replace(hands=(*state.hands[:number], *after, *state.hands[number + 1 :]))
