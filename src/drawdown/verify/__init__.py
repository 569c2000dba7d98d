"""Checks a log as it stands: every input replayed through the ledgers, every byte compared. `drawdown verify`."""
