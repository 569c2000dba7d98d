"""A child process that ends with us, also when we are killed."""

import contextlib
import os
import random
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from drawdown.errors import UserError

# The watcher holds one end of a pipe whose other end only we hold: when we are gone, however, it reads the end of file.
_WATCHER = 'read -r _; kill -KILL "$1" 2>/dev/null'
_STOP_SECONDS = 20
_PORTS = 15_000, 32_000  # Linux gives those from 32768 on to outgoing connections
_PORT_TRIES_MAX = 100


class Child:
    """A child process with its watcher."""

    def __init__(self, command: Sequence[str], log: Path, environment: dict[str, str] | None = None) -> None:
        """Start the command in a session of its own, so that a Ctrl-C meant for us does not reach it first."""
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )
        ours, self._ours = os.pipe()
        self._watcher = subprocess.Popen(  # noqa: S603
            ["sh", "-c", _WATCHER, "sh", str(self._process.pid)],
            stdin=ours,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(ours)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """How it ended: its exit code, minus a signal's number, or None while it runs."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Send SIGTERM and do not wait."""
        if self.alive:
            self._process.terminate()

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL if it takes too long."""
        self._end_watcher()
        if self.alive:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end_watcher()
        if self.alive:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _end_watcher(self) -> None:
        if self._watcher.poll() is None:
            self._watcher.kill()
            self._watcher.wait()
            os.close(self._ours)

    def tail(self, characters: int = 4_000) -> str:
        """Give the end of what it printed."""
        return self.log.read_text(errors="replace")[-characters:].strip()


def listens(port: int) -> bool:
    """Say whether something answers on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Give a loopback port that was free a moment ago.

    It is below those that systems give to outgoing connections, one of which could have it before its server does.
    """
    dice = random.SystemRandom()
    for _ in range(_PORT_TRIES_MAX):
        port = dice.randrange(*_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise UserError(f"no port from {_PORTS[0]} to {_PORTS[1]} could be had on loopback in {_PORT_TRIES_MAX} tries")
