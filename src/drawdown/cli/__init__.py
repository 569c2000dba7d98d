"""The command line `drawdown`: one module a command, errors told in words."""

import sys

from drawdown.engine.errors import Doubt, Halt, Retry
from drawdown.errors import UserError


def main() -> None:
    """Run the command line; errors that people can read become their message and exit code."""
    from drawdown.cli.app import app  # noqa: PLC0415  `drawdown --help` needs no Kafka library

    try:
        app()
    except UserError as error:
        sys.stderr.write(f"drawdown: {error}\n")
        sys.exit(error.exit_code)
    except (Retry, Doubt, Halt) as error:
        sys.stderr.write(f"drawdown: {error}\n")
        sys.exit(UserError.exit_code)
