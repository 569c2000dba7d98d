"""Charges and overages as they are on the log: of an account, of an event, or as they come."""

import heapq
from collections.abc import AsyncIterator

import msgspec

from drawdown.operate.desk import Desk, Output, output_of
from drawdown.operate.proof import outputs_of
from drawdown.topics import CHARGES, CREDIT_CHARGING


class ChargeFilters(msgspec.Struct, frozen=True):
    """Which charges: all that is given must fit. overages: those of `credit-charging` as well."""

    account: str = ""
    service: str = ""
    ledger: str = ""
    overages: bool = False

    @property
    def topics(self) -> tuple[str, ...]:
        """Name the topics to read."""
        return (CHARGES, CREDIT_CHARGING) if self.overages else (CHARGES,)

    def fit(self, output: Output) -> bool:
        """Say whether an output is meant."""
        said = output.said
        return (
            self.account in {"", said["account"]}
            and self.service in {"", said["event"]["service"]}
            and self.ledger in {"", said["ledger"]}
        )


async def of_event(desk: Desk, source: str, ident: str, account: str) -> list[Output]:
    """List charges and overages of an event. source, account: "" for any; an account tells where to look."""
    shards = [desk.shard_of(account.encode())] if account else desk.shards
    return [
        output
        for output in await outputs_of(desk, source, ident, shards, None)
        if account in {"", output.said["account"]}
    ]


async def newest(desk: Desk, filters: ChargeFilters, since: int | None, limit: int) -> tuple[list[Output], int]:
    """Give the newest `limit` charges that fit, oldest first, and how many fit in all. since: ms."""
    browser = await desk.browser()
    spans = await browser.spans(_places(desk, filters), since)
    kept: list[tuple[int, str, int, int, Output]] = []
    count = 0
    async for output in desk.outputs(spans):
        if filters.fit(output):
            count += 1
            heapq.heappush(kept, (output.appended, output.topic, output.partition, output.offset, output))
            if len(kept) > limit:
                heapq.heappop(kept)
    return [output for *_, output in sorted(kept, key=lambda entry: entry[:4])], count


async def as_they_come(desk: Desk, filters: ChargeFilters, since: int | None) -> AsyncIterator[Output]:
    """Give charges that fit, for ever. since: begin with those from then on, ms; None: from now."""
    browser = await desk.browser()
    spans = await browser.spans(_places(desk, filters), since)
    starts = {place: start if since is not None else end for place, (start, end) in spans.items()}
    async for record in browser.follow(starts):
        output = output_of(record)
        if output is not None and filters.fit(output):
            yield output


def _places(desk: Desk, filters: ChargeFilters) -> list[tuple[str, int]]:
    shards = [desk.shard_of(filters.account.encode())] if filters.account else desk.shards
    return [(topic, shard) for topic in filters.topics for shard in shards]
