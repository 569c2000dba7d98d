"""`drawdown lag`: what waits in the inputs."""

from drawdown.cli.output import at_desk, say, show_json, show_table
from drawdown.errors import NotSeen
from drawdown.operate.desk import Desk
from drawdown.operate.lag import Lag, ShardCommit, lags

_POLL_MS = 200


def lag(*, as_json: bool, every: bool, wait: float) -> None:
    """Print the lag of each input partition; those without any only with `every`.

    wait: how many seconds to wait until there is none; raise NotSeen if there still is some.
    """
    found, commits = at_desk(lambda desk: _measured(desk, wait))
    total = sum(one.records for one in found)
    _print(found, commits, as_json=as_json, every=every)
    if wait and total:
        raise NotSeen(f"{total} records were still not taken after {wait:g} seconds: is a worker running?")


async def _measured(desk: Desk, wait: float) -> tuple[list[Lag], list[ShardCommit]]:
    deadline = desk.clock.monotonic_ms() + int(wait * 1000)
    while True:
        found, commits = await lags(desk)
        if not any(one.records for one in found) or desk.clock.monotonic_ms() >= deadline:
            return found, commits
        await desk.clock.sleep_ms(_POLL_MS)


def _print(found: list[Lag], commits: list[ShardCommit], *, as_json: bool, every: bool) -> None:
    total = sum(one.records for one in found)
    oldest = max((one.seconds for one in found), default=0)
    if as_json:
        show_json({"records": total, "seconds": oldest, "partitions": found, "shards": commits})
        return
    waiting = [one for one in found if one.records or every]
    if waiting:
        rows = [
            (
                one.ledger,
                one.topic,
                one.partition,
                one.next_offset,
                one.end,
                one.records if one.exact else f"about {one.records}",
                f"{one.seconds:.1f}",
            )
            for one in waiting
        ]
        show_table(("ledger", "topic", ">partition", ">next", ">end", ">records", ">seconds"), rows)
    say(f"{total} records wait, the oldest for {oldest:.1f} s, on {len(found)} partitions")
