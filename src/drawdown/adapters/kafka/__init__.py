"""Kafka behind the Log port."""
