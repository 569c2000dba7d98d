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
from drawdown.local.kafka import VERSION, KafkaBroker
from drawdown.local.redis import RedisServer

KAFKA_VARIABLE = "DRAWDOWN_KAFKA"
REDIS_VARIABLE = "DRAWDOWN_REDIS"
_DOCKER_ANSWER_SECONDS = 3


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
        if _docker_answers():
            self.origin, self.addresses = "docker", _in_docker(self._ends)
            return
        self.origin = "processes"
        self._folder = Path(tempfile.mkdtemp(prefix="drawdown-"))
        self.redis = RedisServer(self._folder / "redis", self._redis_options)
        self.redis.start()
        self.kafka = KafkaBroker(self._folder / "kafka", session_timeout_min_ms=self._session_timeout_min_ms)
        self.kafka.start()
        self.addresses = Addresses(self.kafka.address, self.redis.url)

    def stop(self) -> None:
        """End our own children, and only them, and remove their data."""
        self._ends.close()
        if self.kafka is not None:
            self.kafka.kill()
        if self.redis is not None:
            self.redis.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _docker_answers() -> bool:
    """Say whether a Docker engine answers at once."""
    try:
        import docker  # noqa: PLC0415  part of the extra `local`
    except ImportError:
        return False
    try:
        client = docker.from_env(timeout=_DOCKER_ANSWER_SECONDS)
        client.ping()
    except docker.errors.DockerException:
        return False
    return True


def _in_docker(ends: contextlib.ExitStack) -> Addresses:
    from testcontainers.kafka import KafkaContainer  # noqa: PLC0415
    from testcontainers.redis import RedisContainer  # noqa: PLC0415

    kafka = ends.enter_context(KafkaContainer(f"apache/kafka:{VERSION}").with_kraft())
    redis = RedisContainer("redis:7.2").with_command("redis-server --maxmemory-policy noeviction")
    ends.enter_context(redis)
    host, port = redis.get_container_host_ip(), redis.get_exposed_port(6379)
    return Addresses(kafka.get_bootstrap_server(), f"redis://{host}:{port}/0")
