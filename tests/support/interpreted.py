"""Imports drawdown as it is written, not compiled: tests plant mistakes in its modules, which compiled code passes by.

With DRAWDOWN_TEST_COMPILED=1 it is imported compiled, and tests that need it otherwise are marked `interpreted`.
Processes that tests start run compiled where that is done, as in production.
"""

import importlib
import os

COMPILED = os.environ.get("DRAWDOWN_TEST_COMPILED") == "1"
_SWITCH = "DRAWDOWN_COMPILED"  # as drawdown.compiled names it, which must not be imported before


def _import() -> bool:
    told = os.environ.get(_SWITCH)
    if not COMPILED:
        os.environ[_SWITCH] = "0"
    done: bool = importlib.import_module("drawdown").COMPILED
    if told is None:
        os.environ.pop(_SWITCH, None)
    else:
        os.environ[_SWITCH] = told
    return done


if _import() != COMPILED:
    raise RuntimeError(
        "drawdown is not compiled from these sources: run `make compiled`, or unset DRAWDOWN_TEST_COMPILED"
    )
