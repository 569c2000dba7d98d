"""The API in one process over states in memory: no Kafka, no Redis, and commands that go nowhere."""

import atexit
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, cast

import httpx
import msgspec
from fastapi import FastAPI
from tests.support.codes import TERMS
from tests.support.domain import T0, World, prices
from tests.support.fake_letters import SHARDS, FakeBrowser, dead
from tests.support.history import write_lives
from tests.support.messages import inference, structured

from drawdown.adapters.kafka.browsing import Place
from drawdown.api.app import create_app
from drawdown.api.archives import Archives
from drawdown.api.context import Context
from drawdown.api.counts import ApiCounts
from drawdown.api.decisions import Decisions
from drawdown.api.issuing import Decision
from drawdown.api.problems import Problem
from drawdown.api.rates import Rates
from drawdown.api.shelf import Shelf
from drawdown.domain.codes.model import Code
from drawdown.domain.wallet.model import Wallet
from drawdown.engine.commit import GENESIS
from drawdown.engine.ports import LookUp
from drawdown.engine.records import Record
from drawdown.history.database import migrate, open_database
from drawdown.ledgers.codes import CodesLedger
from drawdown.operate.desk import Position
from drawdown.operate.keys import Key, Scope, draw
from drawdown.settings import load_settings
from drawdown.wire.code_commands import hash_of

OWN, OTHER = "acc", "other"


@cache
def _history() -> tuple[Archives, list[Record]]:
    """A history of both accounts, in a file that stays until the process ends, and the log that it is of."""
    folder = Path(mkdtemp(prefix="drawdown-history-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    settings = load_settings(history=f"sqlite:///{folder / 'history.db'}")
    engine = open_database(settings.history, writing=True)
    migrate(engine)
    records = write_lives(engine, (OWN, OTHER))
    engine.dispose()
    return Archives(settings), records


class FakeIssuer:
    """Takes every command and refuses it."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []
        self.known = False

    @contextlib.contextmanager
    def waiting(self) -> Iterator[Callable[[Decision], Decision]]:
        yield lambda decision: decision

    async def issue(self, command: dict[str, Any], seconds: float) -> None:
        self.commands.append(command | {"seconds": seconds})
        raise Problem(HTTPStatus.CONFLICT, "reached", "it got as far as the log")

    async def issue_to(self, topic: str, key: str, value: bytes, seconds: float, *, quiet: bool) -> None:
        self.commands.append(msgspec.json.decode(value) | {"to": topic, "key": key, "quiet": quiet})
        raise Problem(HTTPStatus.CONFLICT, "reached", "it got as far as the log")

    async def is_known(self, topic: str, key: str, value: bytes) -> bool:
        return self.known

    async def result(self, account: str, ident: str) -> dict[str, dict[str, Any]]:
        return {"plans": {"applied": 1, "refused": None}}


class _Clock:
    def __init__(self) -> None:
        self.ms = T0

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> int:
        return self.ms


class _Cache:
    def __init__(self, states: dict[str, bytes]) -> None:
        self.states = states
        self.known: dict[bytes, bytes] = {}

    async def look_up(self, shard: int, identities: list[bytes], accounts: list[str]) -> LookUp:
        known = {index: self.known[one] for index, one in enumerate(identities) if one in self.known}
        return LookUp(GENESIS, known, [self.states.get(name) for name in accounts])


class FakeDesk:
    """Two accounts, each with a plan and a wallet."""

    def __init__(self) -> None:
        world = World()
        world.activate("team", "100")
        assert world.state is not None
        plans = world.state
        encode = msgspec.msgpack.encode
        names = (OWN, OTHER)
        self._states = {
            "plans": {name: encode(msgspec.structs.replace(plans, id=name)) for name in names},
            "wallet": {name: encode(Wallet(name, "USD", T0)) for name in names},
            "codes": {code: encode(Code(code, TERMS, None, None)) for code in (hash_of("ABCDE12345"),)},
        }
        self.caches = {ledger: _Cache(states) for ledger, states in self._states.items()}
        self.sent: list[tuple[str, str, bytes]] = []
        self.works = True  # a worker takes what is sent, at once
        self.settings = load_settings()
        self.clock = _Clock()
        self.shards = range(SHARDS)
        self.letters = FakeBrowser([dead(1, 7, T0, of=structured(inference(T0, account=OWN))), *_history()[1]])

    async def browser(self) -> FakeBrowser:
        return self.letters

    async def ends(self, shards: list[int]) -> dict[Place, int]:
        return {}

    def shard_of(self, key: bytes) -> int:
        return 3

    def cache(self, ledger: str) -> _Cache:
        return self.caches[ledger]

    async def send_all(self, topic: str, records: list[tuple[str, bytes]]) -> list[Position]:
        """Take commands of codes, and know their ids."""
        for key, value in records:
            self.sent.append((topic, key, value))
            item = CodesLedger().decode(Record(topic, 0, 0, 0, key.encode(), value))
            if self.works:
                self.caches["codes"].known[item.identity] = item.content
        return []


class FakeScans:
    """Lends the one desk."""

    def __init__(self, desk: FakeDesk) -> None:
        self._desk = desk

    @contextlib.asynccontextmanager
    async def desk(self) -> AsyncIterator[FakeDesk]:
        yield self._desk


class FakeKeyring:
    """A key of every scope."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}

    def draw(self, scope: Scope, account: str | None = None) -> str:
        key, text = draw(f"{scope}-holder", scope, account, T0, 1)
        self.keys[key.prefix] = key
        return text


@cache
def _app(cors_origins: tuple[str, ...]) -> FastAPI:
    return create_app(cors_origins)


class FakeApi:
    """The app and what it uses."""

    def __init__(
        self, customers: Rates | None = None, services: Rates | None = None, cors_origins: tuple[str, ...] = ()
    ) -> None:
        self.counts = ApiCounts()
        self.desk, self.keyring, self.issuer = FakeDesk(), FakeKeyring(), FakeIssuer()
        self.app = _app(cors_origins)
        self.shelf = Shelf()
        self.shelf.prices = prices()
        context = Context(
            cast(Any, self.desk),
            cast(Any, self.keyring),
            self.shelf,
            cast(Any, self.issuer),
            Decisions(),
            customers or Rates(1, 10**6),
            services or Rates(1, 10**6),
            cast(Any, FakeScans(self.desk)),
            _history()[0],
            self.counts,
        )
        self.app.state.context = context

    def client(self, text: str | None) -> httpx.AsyncClient:
        headers = {} if text is None else {"Authorization": f"Bearer {text}"}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)
