"""Scenarios: what happens to accounts over time, as billing people write it down (docs/scenarios.md)."""
