"""The engine: one shard, one queue, one transaction at a time, over ports."""
