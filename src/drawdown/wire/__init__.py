"""Bytes to domain and back, one module a message."""
