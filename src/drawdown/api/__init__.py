"""The HTTP API: what customers, sales, support and other services read and steer of the ledgers."""
