"""Modules that may run compiled (docs/decisions/0023): which they are, and the finder that puts them in place.

A compiled set lies in a folder named after a digest of the sources that it was made from. Other sources have another
digest, so that code that was compiled earlier is never run for them: it is as if nothing were compiled.
"""

import hashlib
import importlib.machinery
import importlib.util
import os
import platform
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Final

PACKAGE: Final = Path(__file__).parent
SWITCH: Final = "DRAWDOWN_COMPILED"  # "0": run interpreted whatever is compiled
SHARED: Final = "drawdown__mypyc"  # what the compiled modules share
# With the top level, all that the modules import of ours.
PACKAGES: Final = ("domain", "wire", "engine", "ledgers", "adapters")
# Modules of structs are not among them: msgspec reads the types of fields, of which compiling keeps little.
MODULES: Final = (
    *(
        f"drawdown.domain.{name}"
        for name in (
            "calendar", "catalogue", "counters", "coverage", "cycles", "decide", "errors", "events", "jobs", "limits",
            "money", "notices", "offers", "parts", "pauses", "payments", "pieces", "plain", "plans", "prices",
            "quantity", "rate", "rated", "renewals", "requests", "successions", "usage",
        )
    ),
    *(f"drawdown.domain.wallet.{name}" for name in ("credits", "decide", "draft", "notices", "redeeming", "spending")),
    *(
        f"drawdown.wire.{name}"
        for name in (
            "charge", "cloudevents", "identity", "instants", "lines", "overage", "overage_due", "parsing", "usage",
            "wallet_charge",
        )
    ),
    *(f"drawdown.engine.{name}" for name in ("chain", "changelog", "input", "outcome", "take")),
    "drawdown.adapters.kafka.partitioner",
    "drawdown.adapters.redis.arguments",
    "drawdown.ledgers.plans",
    "drawdown.ledgers.wallet",
)  # fmt: skip


class _Finder(MetaPathFinder):
    """Finds modules in a folder of compiled ones."""

    def __init__(self, folder: Path) -> None:
        ending = importlib.machinery.EXTENSION_SUFFIXES[0]
        self.places = {name: folder / f"{name}{ending}" for name in (SHARED, *MODULES)}

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        """Give the compiled module's spec, None for any other name."""
        place = self.places.get(fullname)
        return None if place is None else importlib.util.spec_from_file_location(fullname, place)


def folder() -> Path:
    """Name the folder of what is compiled from these very sources, for this Python on this kind of machine."""
    digest = hashlib.sha256(f"{sys.implementation.cache_tag} {platform.machine()} {MODULES}".encode())
    packages = (source for package in PACKAGES for source in (PACKAGE / package).rglob("*.py"))
    for source in sorted((*PACKAGE.glob("*.py"), *packages)):
        digest.update(f"{source.relative_to(PACKAGE)} ".encode())
        digest.update(source.read_bytes())
    return PACKAGE / "_compiled" / digest.hexdigest()[:32]


def use() -> bool:
    """Import the modules compiled from now on, if they are compiled and not switched off; say whether."""
    if os.environ.get(SWITCH) == "0" or not (PACKAGE / "_compiled").is_dir():
        return False
    finder = _Finder(folder())
    if not all(place.exists() for place in finder.places.values()):
        return False
    sys.meta_path.insert(0, finder)
    return True
