"""An Apache Kafka broker of our own (KRaft, one node) on free loopback ports, from its Maven artifacts."""

import asyncio
import base64
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from drawdown.errors import UserError
from drawdown.local import tools
from drawdown.local.child import Child, free_port, listens

VERSION = "4.1.0"
_START_SECONDS = 60
_FETCH_SECONDS = 900
_TRIES = 3
_LOGGING = """\
status = error
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m%n
"""


def jars() -> Path:
    """Give the folder of Kafka's jars, fetched by Maven the first time; safe against two at once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "drawdown"
    folder = cache / f"kafka-{VERSION}"
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _fetch(cache, folder)
    return folder


def _fetch(cache: Path, folder: Path) -> None:
    print(f"fetching Apache Kafka {VERSION} with Maven, once (43 MB) ...", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        pom = Path(scratch, "pom.xml")
        pom.write_text(files("drawdown.local").joinpath("pom.xml").read_text())
        command = [tools.maven(), "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
        done = subprocess.run(  # noqa: S603
            [*command, f"-DoutputDirectory={scratch}/jars"],
            capture_output=True,
            text=True,
            timeout=_FETCH_SECONDS,
            check=False,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).strip()[-600:]
            raise UserError(
                f"Maven could not fetch Kafka; it said: {said}\n"
                "Let it reach a Maven repository, or give the address of a running Kafka in DRAWDOWN_KAFKA"
            )
        shutil.move(f"{scratch}/jars", folder)


class KafkaBroker:
    """Kafka as a child process."""

    def __init__(
        self,
        folder: Path,
        *,
        session_timeout_min_ms: int = 1_000,
        proxy_port: int = 0,
        more: Mapping[str, object] | None = None,
    ) -> None:
        """Keep its data in `folder`.

        proxy_port: where a proxy of the caller's stands before a second listener, which sends its clients there.
        more: settings of the broker, beside those here.
        """
        self._folder = folder
        self.proxy_port = proxy_port
        self._more = dict(more or {})
        self.proxied_port = 0  # of the second listener: the proxy's other end
        self._session_timeout_min_ms = session_timeout_min_ms
        self._child: Child | None = None
        self._cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self.port = 0

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._child is None:
            raise UserError("this Kafka is not running")
        return self._child.pid

    @property
    def log(self) -> Path:
        """What it printed."""
        return self._folder / "kafka.log"

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.alive

    def start(self) -> None:
        """Format the storage and start the broker, or start it again on what it held and the ports it had."""
        for _ in range(_TRIES):
            if not self.port:
                self._format()
            child = Child(self._java("kafka.Kafka", str(self._folder / "server.properties")), self.log)
            if self._ours(child):
                self._child = child
                return
            said = child.tail()
            child.stop()
            self.port = 0
        raise UserError(f"Kafka did not start; it said: {said}")

    def _format(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._folder / "data", ignore_errors=True)
        self.port, controller = free_port(), free_port()
        self.proxied_port = free_port() if self.proxy_port else 0
        (self._folder / "log4j2.properties").write_text(_LOGGING)
        properties = self._folder / "server.properties"
        properties.write_text(self._properties(controller))
        command = self._java(
            "kafka.tools.StorageTool", "format", f"--cluster-id={self._cluster}", "-c", str(properties)
        )
        done = subprocess.run(command, capture_output=True, text=True, timeout=_START_SECONDS, check=False)  # noqa: S603
        if done.returncode:
            raise UserError(f"Kafka's storage could not be formatted: {(done.stdout + done.stderr).strip()[-600:]}")

    def _java(self, *arguments: str) -> list[str]:
        return [
            tools.java(),
            "-Xms256m",
            "-Xmx512m",
            "-XX:+UseG1GC",
            "-XX:TieredStopAtLevel=1",  # half the processor time in runs of minutes: most of it was compiling
            f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}",
            "-cp",
            f"{jars()}/*",
            *arguments,
        ]

    def _properties(self, controller: int) -> str:
        settings: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self._folder / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": self._session_timeout_min_ms,
            "group.coordinator.rebalance.protocols": "classic",
            "log.cleaner.dedupe.buffer.size": 16_777_216,
        }
        if self.proxied_port:
            settings["listeners"] = f"{settings['listeners']},PROXIED://127.0.0.1:{self.proxied_port}"
            settings["advertised.listeners"] = (
                f"{settings['advertised.listeners']},PROXIED://127.0.0.1:{self.proxy_port}"
            )
            settings["listener.security.protocol.map"] = (
                f"{settings['listener.security.protocol.map']},PROXIED:PLAINTEXT"
            )
            settings["inter.broker.listener.name"] = "PLAINTEXT"
        settings |= self._more
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _ours(self, child: Child) -> bool:
        """Wait until the port answers, and prove by the cluster id that it is our broker that does."""
        until = time.monotonic() + _START_SECONDS
        while child.alive and time.monotonic() < until:
            cluster = asyncio.run(_cluster_id(self.address)) if listens(self.port) else ""
            if cluster:
                return cluster == self._cluster
            time.sleep(0.1)
        return False

    def stop(self) -> None:
        """End it in order."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """End it as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child = None


async def _cluster_id(address: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=2_000)
    try:
        await admin.start()
        told = await admin.describe_cluster()
        return str(told["cluster_id"])
    except (KafkaError, OSError):
        return ""
    finally:
        await admin.close()
