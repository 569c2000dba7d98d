"""Errors that a person reads."""


class UserError(Exception):
    """The message says what happened, which value, and what to do; it is shown without a stack trace."""
