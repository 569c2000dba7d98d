"""Public traces as usage: CSV rows to CloudEvents."""
