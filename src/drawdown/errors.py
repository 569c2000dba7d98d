"""Errors that a person reads."""


class UserError(Exception):
    """The message says what happened, which value, and what to do; it is shown without a stack trace.

    exit_code: of the command that it ends; docs/cli.md lists them.
    """

    exit_code = 1


class NotThere(UserError):
    """What was named does not exist, or is no longer kept."""


class BadInput(UserError):
    """An argument, a file or a setting is not what it must be."""

    exit_code = 2


class RefusedByService(UserError):
    """The service read what was sent and refused it, or certainly would."""

    exit_code = 3


class NotSeen(UserError):
    """What was sent is on the log, but its outcome was not there in time."""

    exit_code = 4
