"""The demonstration: a real stack, a worker process, a real trace, and the proof that every amount is right."""
