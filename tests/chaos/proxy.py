"""A TCP proxy that misbehaves on command: cut, delay, half-open, by direction; it counts what it did.

Up is from the client to the server, down is back. It runs on the test's own event loop.
"""

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable

UP, DOWN = "up", "down"
_CHUNK_BYTES = 65_536
Match = Callable[[bytes], bool]


class Trap:
    """Waits for a chunk sent up that matches, then swallows everything that comes back on that connection."""

    def __init__(self, match: Match, *, cut: bool, skip: int) -> None:
        """cut: the connection ends once an answer was swallowed, else it stays half-open. skip: matches let through."""
        self._match = match
        self._skip = skip
        self.cut = cut
        self.sprung = asyncio.Event()  # the request went up
        self.swallowed = asyncio.Event()  # an answer came, and went nowhere

    def springs(self, chunk: bytes) -> bool:
        if self.sprung.is_set() or not self._match(chunk):
            return False
        self._skip -= 1
        if self._skip >= 0:
            return False
        self.sprung.set()
        return True


class Proxy:
    """Listens on a loopback port and passes bytes on to another one."""

    def __init__(self, port: int = 0) -> None:
        """port: where it listens; 0: any free one."""
        self.port = port
        self.target = 0
        self.counts: Counter[str] = Counter()
        self.delay_ms = {UP: 0, DOWN: 0}
        self._open: set[int] = set()  # connections by number
        self._dead: dict[int, frozenset[str]] = {}  # those that swallow, and which ways
        self._refusing = False
        self._trap: Trap | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, target: int) -> None:
        """Listen, and pass on to `target`."""
        self.target = target
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and end every connection."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._end_all()

    # --- faults -------------------------------------------------------------------------------

    def cut(self, *, refuse: bool = False) -> None:
        """End every connection at once; refuse: and every new one too, until `mend`."""
        self._refusing = refuse
        self.counts["cut"] += len(self._writers) // 2
        self._end_all()

    def half_open(self, *directions: str) -> None:
        """Swallow what goes these ways on the connections there are, for good; new ones work. None given: both."""
        self._dead.update(dict.fromkeys(self._open, frozenset(directions or (UP, DOWN))))

    def slow(self, *, up_ms: int = 0, down_ms: int = 0) -> None:
        """Hold every chunk back for so long, until `mend`."""
        self.delay_ms = {UP: up_ms, DOWN: down_ms}

    def lose_answer(self, match: Match, *, cut: bool = False, skip: int = 0) -> Trap:
        """Lose the answer to the next request that matches, and all that follows it on its connection."""
        self._trap = Trap(match, cut=cut, skip=skip)
        return self._trap

    def mend(self) -> None:
        """Accept connections again, and hold nothing back."""
        self._refusing = False
        self.slow()

    # --- passing on ---------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            self.counts["refused"] += 1
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            self.counts["nobody there"] += 1
            writer.transport.abort()
            return
        self.counts["connections"] += 1
        number = self.counts["connections"]
        self._open.add(number)
        ends = {writer, back}
        self._writers |= ends
        lost: list[Trap] = []  # set once this connection's answers are swallowed
        flows = [
            asyncio.ensure_future(self._flow(number, reader, back, UP, lost)),
            asyncio.ensure_future(self._flow(number, there, writer, DOWN, lost)),
        ]
        self._tasks.update(flows)
        try:
            await asyncio.wait(flows, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for flow in flows:
                flow.cancel()
            await asyncio.gather(*flows, return_exceptions=True)
            self._tasks.difference_update(flows)
            for end in ends:
                end.transport.abort()
            self._writers -= ends
            self._open.discard(number)

    async def _flow(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str, lost: list[Trap]
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if self.delay_ms[way]:
                    self.counts[f"delayed {way}"] += 1
                    await asyncio.sleep(self.delay_ms[way] / 1_000)
                if way == UP and self._trap is not None and self._trap.springs(chunk):
                    lost.append(self._trap)
                    self._trap = None
                if way in self._dead.get(number, ()) or (lost and way == DOWN):
                    self.counts[f"swallowed {way}"] += 1
                    if lost and way == DOWN:
                        lost[0].swallowed.set()
                        if lost[0].cut:
                            self.counts["cut"] += 1
                            return
                    continue
                writer.write(chunk)
                await writer.drain()

    def _end_all(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()


def kafka_request(key: int) -> Match:
    """Match a chunk that begins with a Kafka request of this API key."""
    return lambda chunk: chunk[4:6] == key.to_bytes(2, "big")


END_TXN = kafka_request(26)


def redis_script(text: str) -> Match:
    """Match a chunk that runs this script."""
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().encode()
    return lambda chunk: sha in chunk
