"""A Redis server of our own on a free loopback port."""

import time
from collections.abc import Mapping
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from drawdown.errors import UserError
from drawdown.local import tools
from drawdown.local.child import Child, free_port

_START_SECONDS = 20
_TRIES = 5
OPTIONS = {"maxmemory-policy": "noeviction", "save": "", "appendonly": "no"}


class RedisServer:
    """redis-server as a child process."""

    def __init__(self, folder: Path, options: Mapping[str, str] | None = None) -> None:
        """Keep its data in `folder`; options override noeviction and no persistence."""
        self._folder = folder
        self._options = {**OPTIONS, **(options or {})}
        self._child: Child | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._child is None:
            raise UserError("this Redis is not running")
        return self._child.pid

    @property
    def log(self) -> Path:
        """What it printed."""
        return self._folder / "redis.log"

    @property
    def folder(self) -> Path:
        """Where its data is."""
        return self._folder

    def start(self) -> None:
        """Start it, on the port it had before if it had one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        server = tools.redis_server()
        for _ in range(_TRIES):
            port = self.port or free_port()
            command = [server, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(self._folder)]
            for name, value in self._options.items():
                command += [f"--{name}", value]
            child = Child(command, self.log)
            if self._ours(child, port):
                self._child, self.port = child, port
                return
            said = child.tail()
            child.stop()
        raise UserError(f"redis-server did not start; it said: {said}")

    def _ours(self, child: Child, port: int) -> bool:
        """Wait until the port answers, and prove by the process id that it is our child that does."""
        until = time.monotonic() + _START_SECONDS
        with Redis(host="127.0.0.1", port=port, socket_timeout=1) as client:
            while child.alive and time.monotonic() < until:
                try:
                    return int(client.info("server")["process_id"]) == child.pid
                except (RedisError, OSError):
                    time.sleep(0.02)
        return False

    def stop(self) -> None:
        """End it."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """End it as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child = None
