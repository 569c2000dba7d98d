"""The command line `drawdown`: one module a command, errors told in words."""

import sys

from drawdown.errors import UserError


def main() -> None:
    """Run the command line; a UserError becomes its message and exit code 1."""
    from drawdown.cli.app import app  # noqa: PLC0415  `drawdown --help` needs no Kafka library

    try:
        app()
    except UserError as error:
        sys.stderr.write(f"drawdown: {error}\n")
        sys.exit(1)
