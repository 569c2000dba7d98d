"""Faust's place in Drawdown: its app, worker and rebalancing, with a transport that yields batches."""
