"""What happened to accounts, in a database: charges by the hour, account events, and where both stand on the log."""
