"""`python -m drawdown` is the command line."""

from drawdown.cli import main

main()
