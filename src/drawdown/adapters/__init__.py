"""What is behind the ports: Redis, Kafka, Faust."""
