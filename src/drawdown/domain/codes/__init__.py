"""Voucher codes: each is redeemed once, across all accounts."""
