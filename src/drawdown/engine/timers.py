"""Between takes: prove that Redis is where it was left, move the watermark, send timers, forget ids."""

from drawdown.domain.limits import TIMER_RESEND_MS, TIMERS_PER_PROBE_MAX, WATERMARK_CARRY_MS
from drawdown.engine.counts import Counts
from drawdown.engine.errors import REDIS_AHEAD, REDIS_BEHIND, Doubt
from drawdown.engine.ledger import Ledger, clocked_by
from drawdown.engine.ports import Cache, Clock, Log
from drawdown.engine.shard import WATERMARK_HEADER, Shard


class Upkeep:
    """What an owner does for a shard every few seconds, while none of its takes is under way."""

    def __init__(self, ledger: Ledger, cache: Cache, log: Log, clock: Clock, counts: Counts) -> None:
        """Bind to a ledger and its ports."""
        self._ledger = ledger
        self._cache = cache
        self._log = log
        self._clock = clock
        self._counts = counts

    async def run(self, shard: Shard) -> None:
        """Probe the shard once. Raise Doubt when Redis is not where this worker left it, Retry when a part is down."""
        found = await self._cache.cursor(shard.number)
        if found != shard.cursor:
            msg = f"shard {shard.number}: Redis is not at commit {shard.cursor.number}, which this worker left there"
            raise Doubt(msg, kind=REDIS_AHEAD if found.number > shard.cursor.number else REDIS_BEHIND)
        await self._move_watermark(shard)
        watermark = shard.watermark.now()
        if watermark:
            await self._send_timers(shard, watermark)
            await self._cache.forget(shard.number, watermark)
            await self._carry(shard, watermark)

    async def _move_watermark(self, shard: Shard) -> None:
        """Ask the log where each usage input ends; what is wholly taken is caught up as of the asking."""
        if len(shard.queue) or not shard.watermark.asks:
            return
        asked_at = await self._log.time_ms()
        topics = [topic for topic in clocked_by(self._ledger) if topic not in self._ledger.watermark_from]
        ends = await self._log.input_ends(shard.number, topics)
        if len(shard.queue):
            return
        for topic in topics:
            if shard.fetched_to[topic] >= ends[topic]:
                shard.watermark.caught_up(topic, asked_at)

    async def _carry(self, shard: Shard, watermark: int) -> None:
        """Tell the ledger that takes our outputs how far we are; what we committed up to there stands before it."""
        if watermark < shard.watermark_sent + WATERMARK_CARRY_MS:
            return
        for topic in self._ledger.watermark_to:
            headers = ((WATERMARK_HEADER, b"%d" % watermark),)
            await self._log.send(topic, shard.number, None, b"", watermark, headers)
        shard.watermark_sent = watermark

    async def _send_timers(self, shard: Shard, watermark: int) -> None:
        """Put a command on the log for each account whose due time the watermark has passed."""
        now = self._clock.monotonic_ms()
        sent = {timer: at for timer, at in shard.timers_sent.items() if now - at < TIMER_RESEND_MS}
        for account, due in await self._cache.due(shard.number, watermark, TIMERS_PER_PROBE_MAX):
            if (account, due) in sent:
                continue
            key, value = self._ledger.timer(account, due)
            await self._log.send(self._ledger.command_topic, shard.number, key, value, watermark)
            sent[account, due] = now
            self._counts.timers_sent += 1
        shard.timers_sent = sent
