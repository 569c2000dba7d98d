"""The reader of prices ends when it is stopped, and what follows it is told so: as no failure."""

import asyncio

from drawdown.adapters.clock import SystemClock
from drawdown.adapters.kafka.admin import Admin
from drawdown.adapters.kafka.prices import PriceFeed
from drawdown.domain.prices import Prices
from drawdown.local.stack import LocalStack
from drawdown.topics import plan_topics


async def test_following_is_cancelled_before_the_consumer_is_gone(stack: LocalStack, prefix: str) -> None:
    async with Admin(stack.addresses.kafka, prefix) as admin:
        await admin.create(plan_topics(2))
    positions: list[int] = []
    feed = PriceFeed(stack.addresses.kafka, prefix, Prices(), SystemClock(), positions.append)
    await feed.start()
    following = feed.follow()
    done, _ = await asyncio.wait((following,), timeout=0.05)  # it reads meanwhile
    assert not done
    await feed.stop()
    assert following.cancelled()
    assert positions == [0]


async def test_a_feed_that_nobody_follows_stops_too(stack: LocalStack, prefix: str) -> None:
    async with Admin(stack.addresses.kafka, prefix) as admin:
        await admin.create(plan_topics(2))
    feed = PriceFeed(stack.addresses.kafka, prefix, Prices(), SystemClock(), lambda _: None)
    await feed.start()
    await feed.stop()
