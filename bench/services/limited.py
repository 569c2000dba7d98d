"""A Drawdown worker whose takes are limited to so many records: limited.py RECORDS."""

import sys

from drawdown import logs
from drawdown.engine import shard
from drawdown.settings import load_settings
from drawdown.worker import run

if __name__ == "__main__":
    vars(shard)["TAKE_RECORDS_MAX"] = int(sys.argv[1])
    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    failure = run(settings)
    if failure is not None:
        sys.exit(f"the worker stopped: {failure}")
