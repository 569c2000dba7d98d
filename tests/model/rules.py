"""The rules of section 4, each of which can be taken out of the model to see what it is for."""

import enum


class Rule(enum.Enum):
    """A rule in words."""

    FENCE = "fencing ends what the former owner's producer can do"
    FENCE_BEFORE_READ = "the newest commit is read after fencing, not before"
    LOOK_UP_CURSOR = "a look-up compares the cursor in Redis with the worker's own"
    LOOK_UP_TOKEN = "a look-up that finds a rebuild under way is a doubt, even where no cursor is expected"
    PROBE = "an idle shard compares its cursor with Redis too"
    APPLY_AFTER_COMMIT = "Redis is written only after the transaction is committed"
    APPLY_CONDITIONAL = "an apply is refused unless Redis is at the cursor before it"
    ONE_TRANSACTION = "the commit record is in the transaction of the outputs"
    POSITIONS = "inputs are read on from the commit record's positions, not from committed offsets"
    IDS_WITHIN_TAKE = "an id repeated within a take is known"
    PROVE_OWNERSHIP = "an owner in doubt proves that the shard is its own before it fences again"
    CHAIN_COMPARED = "cursors are compared by chain, not by number alone"
    CATCH_UP_CHAIN = "a catch-up applies only what names the chain it stands on as the previous one"
    CATCH_UP_NUMBER = "a catch-up applies only the next number"
    READ_AGAIN = "who finds Redis ahead of the log reads the log again before saying that it lost data"
    REBUILD_TOKEN = "each write of a rebuild is refused when another rebuild has begun"
    CHUNKS_COUNTED = "each write of a rebuild is refused when Redis lacks the one before it"
    TOKEN_FIRST = "a rebuild sets its token as it takes the cursor away, before it deletes anything"
    BATCH_EPOCH = "a batch fetched before the shard was last opened is dropped"
    BATCH_START = "a batch that does not begin where the last one ended stops the worker"
    STATES_DROPPED = "states in the worker's memory do not outlive a recovery"
    FORGET_BY_WATERMARK = "ids are forgotten by the shard's watermark, not by the wall clock"
    HAND_CHUNKS_COUNTED = "each write of a rebuild by hand, and its swap, is refused when Redis lacks the one before it"
    HAND_TOKEN_FIRST = "a rebuild by hand sets its token before it empties the fresh place"
    SWAP_CONDITIONAL = "a swap is refused unless Redis is at the cursor that was found there"
    SWAP_ENDS_REBUILD = "a swap ends the owner's own rebuild that is under way"
