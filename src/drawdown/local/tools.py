"""Find the programs a local stack needs; install them where that is safe, else say exactly what to install."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from drawdown.errors import UserError

JAVA_MAJOR_MIN = 17
_APT_SECONDS = 600


def redis_server() -> str:
    """Give the path of redis-server."""
    return _found("redis-server", "redis-server")


def maven() -> str:
    """Give the path of Maven, which fetches Kafka."""
    return _found("mvn", "maven")


def java() -> str:
    """Give the path of a Java of at least 17."""
    home = os.environ.get("JAVA_HOME", "")
    candidates = [str(Path(home, "bin", "java"))] if home else []
    candidates.append(_found("java", "openjdk-17-jre-headless"))
    tried = []
    for candidate in candidates:
        version = _java_major(candidate)
        if version >= JAVA_MAJOR_MIN:
            return candidate
        tried.append(f"{candidate} is Java {version or 'unknown'}")
    raise UserError(f"Kafka needs Java {JAVA_MAJOR_MIN} or newer; {'; '.join(tried)}. Install openjdk-17-jre-headless")


def _java_major(path: str) -> int:
    try:
        told = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except OSError:
        return 0
    match = re.search(r'version "(\d+)', told.stderr)
    return int(match[1]) if match else 0


def _found(program: str, package: str) -> str:
    path = shutil.which(program)
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_install(package)
        path = shutil.which(program)
    if path is None:
        raise UserError(
            f"{program} is not on PATH, and only root on Debian or Ubuntu can have it installed from here."
            f" Install it: sudo apt-get install {package}"
        )
    return path


def _apt_install(package: str) -> None:
    """Install a Debian package without starting the service that may come with it."""
    print(f"installing {package} ...", flush=True)  # noqa: T201  the person waits for it
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", package]):
        done = subprocess.run(  # noqa: S603
            command, env=environment, capture_output=True, text=True, timeout=_APT_SECONDS, check=False
        )
        if done.returncode:
            raise UserError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[-500:]}")
