"""Where a real Kafka and a real Redis come from: the environment, Docker, or child processes of ours."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from drawdown.errors import UserError
from drawdown.local import docker
from drawdown.local.kafka import KafkaBroker
from drawdown.local.redis import RedisServer

KAFKA_VARIABLE = "DRAWDOWN_KAFKA"
REDIS_VARIABLE = "DRAWDOWN_REDIS"


class Addresses(msgspec.Struct, frozen=True):
    """Where they answer: kafka "host:port", redis "redis://host:port/db"."""

    kafka: str
    redis: str


class LocalStack:
    """Kafka and Redis for as long as the context lasts."""

    def __init__(self, *, session_timeout_min_ms: int = 1_000, redis_options: Mapping[str, str] | None = None) -> None:
        """Start nothing yet."""
        self._session_timeout_min_ms = session_timeout_min_ms
        self._redis_options = redis_options
        self._folder: Path | None = None
        self._ends = contextlib.ExitStack()
        self.kafka: KafkaBroker | None = None
        self.redis: RedisServer | None = None
        self.origin = ""
        self.addresses = Addresses("", "")

    def __enter__(self) -> Self:
        """Start what the environment does not name."""
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            self._start()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what was started."""
        self.stop()

    def _start(self) -> None:
        kafka, redis = os.environ.get(KAFKA_VARIABLE), os.environ.get(REDIS_VARIABLE)
        if kafka and redis:
            self.origin, self.addresses = "environment", Addresses(kafka, redis)
            return
        if kafka or redis:
            missing = REDIS_VARIABLE if kafka else KAFKA_VARIABLE
            raise UserError(f"{missing} is not set: give the addresses of both Kafka and Redis, or of neither")
        if docker.answers() and self._in_docker():
            return
        self.origin = "processes"
        self._folder = Path(tempfile.mkdtemp(prefix="drawdown-"))
        self.redis = RedisServer(self._folder / "redis", self._redis_options)
        self.redis.start()
        self.kafka = KafkaBroker(self._folder / "kafka", session_timeout_min_ms=self._session_timeout_min_ms)
        self.kafka.start()
        self.addresses = Addresses(self.kafka.address, self.redis.url)

    def _in_docker(self) -> bool:
        """Start containers; where the engine cannot run them, say why and leave it to child processes."""
        with contextlib.ExitStack() as started:
            try:
                addresses = Addresses(*docker.start(started))
            except UserError as error:
                print(f"{error}; starting child processes instead", flush=True)  # noqa: T201  the person should know
                return False
            self._ends = started.pop_all()
        self.origin, self.addresses = "docker", addresses
        return True

    def stop(self) -> None:
        """End our own children, and only them, and remove their data."""
        self._ends.close()
        if self.kafka is not None:
            self.kafka.kill()
        if self.redis is not None:
            self.redis.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
