"""`drawdown rebuild`: shards of Redis built anew from Kafka, and swapped in whole."""

import sys
import time
from collections.abc import Sequence

from drawdown.cli.output import at_desk, console, say, show_json, show_table
from drawdown.errors import BadInput, UserError
from drawdown.operate.rebuilding import ShardRebuilt
from drawdown.operate.rebuilding import rebuild as work

_PERCENT = 100
_EVERY_SECONDS = 1


class _Progress:
    """Says on standard error how far a shard is, once a second at most."""

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._shard, self._began, self._first, self._told = -1, 0.0, 0, 0.0

    def __call__(self, shard: int, read: int, end: int) -> None:
        now = time.monotonic()
        if shard != self._shard:
            self._shard, self._began, self._first, self._told = shard, now, read, now
        if now < self._told + _EVERY_SECONDS or read <= self._first:
            return
        self._told = now
        left = (end - read) * (now - self._began) / (read - self._first)
        self._console.print(
            f"shard {shard}: {read} of {end} offsets read ({read * _PERCENT // end} %), about {left:.0f} s left"
        )


def rebuild(ledger: str, shards: Sequence[int], *, every: bool, as_json: bool) -> None:
    """Rebuild the named shards, or every one. Raise UserError if one was left as it was."""
    if bool(shards) == every:
        raise BadInput("say which shards: --shard N, as often as needed, or --all")
    told = _Progress()
    done = at_desk(lambda desk: work(desk, ledger, sorted(set(shards)), told))
    _print(done, as_json=as_json)
    failed = [one for one in done if one.error]
    if failed:
        sys.stdout.flush()
        raise UserError(f"{len(failed)} of {len(done)} shards were not rebuilt:\n" + "\n".join(o.error for o in failed))


def _print(done: Sequence[ShardRebuilt], *, as_json: bool) -> None:
    if as_json:
        show_json(done)
        return
    rows = [
        (o.shard, o.commit, o.states, o.ids, f"{o.milliseconds / 1000:.1f}", "not rebuilt" if o.error else "rebuilt")
        for o in done
    ]
    show_table((">shard", ">commit", ">states", ">ids", ">seconds", "result"), rows, f"ledger {done[0].ledger}")
    say(f"{sum(not one.error for one in done)} of {len(done)} shards rebuilt and swapped in")
