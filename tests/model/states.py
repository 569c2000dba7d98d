"""What a state of the model holds. All of it is immutable and small; chains are numbers in the model's own table."""

from typing import NamedTuple

# Where an owner is in its work on the shard. Each is the await before which it may stand for as long as it likes.
OUT = "out"  # not assigned, or let go
FENCE, READ, BRING, READ_AGAIN, CATCH_UP = "fence", "read", "bring", "read again", "catch up"
EMPTY, CLEAN, CHECK_END, LOAD_STATES, LOAD_IDS, FINISH = "empty", "clean", "check end", "states", "ids", "finish"
SEEK = "seek"
IDLE, DECIDED, SENT, RECORD, COMMITTED, ASK = "idle", "decided", "sent", "record", "committed", "ask"
DOUBT, HALTED = "doubt", "halted"
IN_COMMIT = frozenset({SENT, RECORD, COMMITTED, ASK})


class Batch(NamedTuple):
    """A transaction: commit record, ids, newest state. previous: the chain before it; start, end: of the input."""

    number: int
    previous: int
    start: int
    end: int
    ids: str
    state: str


class Owner(NamedTuple):
    """A worker. told: it believes that the shard is its own; current: and in the coordinator's generation.

    cursor, position: its own; newest: chain read in a recovery; reached: by a catch-up; take: chain of what it decided;
    token: of its rebuild, 0 for none, chunk: writes of it done; cached: the state in the worker's memory;
    flight: fetched and not delivered (fresh, start, end); queue: (start, end).
    """

    step: str = OUT
    told: bool = False
    current: bool = False
    cursor: int = 0
    position: int = 0
    newest: int = 0
    reached: int = 0
    take: int = 0
    token: int = 0
    chunk: int = 0
    cached: str | None = None
    flight: tuple[bool, int, int] | None = None
    queue: tuple[int, int] | None = None


class Fresh(NamedTuple):
    """The fresh place of a rebuild by hand. token: whose it is; chunk: its writes so far."""

    state: str = ""
    ids: str = ""
    token: int = 0
    chunk: int = 0


class Hand(NamedTuple):
    """A rebuild by hand. held: the cursor that it found in Redis; newest: up to where it loads."""

    step: str
    held: int = 0
    newest: int = 0
    token: int = 0
    chunk: int = 0


class Redis(NamedTuple):
    """One shard in Redis. cursor: a chain, 0 where there is none; token, chunk: of a rebuild under way."""

    cursor: int = 0
    state: str = ""
    ids: str = ""
    token: int = 0
    chunk: int = 0
    fresh: Fresh = Fresh()


class Call(NamedTuple):
    """A write to Redis: what it is conditional on and what it writes. `kind` is one of the steps that write."""

    kind: str
    guard: int
    chunk: int
    chain: int
    ids: str = ""


class Faults(NamedTuple):
    """How often each fault may still happen. outages: of a write to Redis whose answer is lost or that comes late.

    hands: rebuilds by hand that somebody may still begin.
    """

    rebalances: int = 0
    crashes: int = 0
    unknown: int = 0
    outages: int = 0
    wipes: int = 0
    rollbacks: int = 0
    compactions: int = 0
    losses: int = 0
    hands: int = 0


class State(NamedTuple):
    """All there is. log: chains of the committed transactions in order; open: (owner, chain, end asked for).

    holders: owners whose producer the broker accepts; group: who is assigned; copy: an earlier Redis; late: a write on
    its way; offsets: committed to the group; loose: outputs whose commit record is not written (without the rule).
    compacted: the number of the oldest commit record that the changelog still has. hands: rebuilds by hand under way.
    """

    faults: Faults
    owners: tuple[Owner, Owner] = (Owner(), Owner())
    log: tuple[int, ...] = ()
    open: tuple[tuple[int, int, bool], ...] = ()
    holders: tuple[int, ...] = ()
    group: int | None = 0
    redis: Redis = Redis()
    copy: Redis | None = None
    late: Call | None = None
    offsets: int = 0
    loose: tuple[int, ...] = ()
    compacted: int = 0
    hands: tuple[Hand, ...] = ()


class Step(NamedTuple):
    """An edge: what happened, in words, where to, and whether it is a fault that the world does to the owners."""

    words: str
    to: State
    fault: bool = False
