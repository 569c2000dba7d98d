"""The ledgers that the engine runs."""
