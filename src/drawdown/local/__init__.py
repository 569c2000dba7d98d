"""A real Kafka and a real Redis on one machine, for the demonstration, tests and benchmarks."""
