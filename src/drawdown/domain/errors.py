"""The one error of the domain: an input that can never be accepted as it stands."""

from typing import Final

REASONS: Final = frozenset(
    {
        # the wire: the bytes are not a message
        "not_utf8",
        "not_json",
        "too_large",
        "too_deep",
        "wrong_type",
        "missing_field",
        "invalid_value",
        "unknown_type",
        "unknown_version",
        "missing_key",
        # the rules: the message is not acceptable
        "too_late",
        "in_the_future",
        "id_conflict",
        "unknown_account",
        "unknown_service",
        "unknown_meter",
        "unknown_price",
        "wrong_currency",
        "negative_quantity",
        "job_closed",
        "amount_too_large",
        "too_many_pieces",
        "state_too_large",
    }
)


class Broken(Exception):
    """What the log promised does not hold: going on would guess. The message says what is missing."""


class Reject(Exception):
    """The input goes to the dead letters under `code`; nothing else changes.

    code: one of REASONS. detail: what happened, which value, in words for people.
    """

    def __init__(self, code: str, detail: str) -> None:
        """Refuse an input for the reason `code`; a code outside REASONS is a programming error."""
        if code not in REASONS:
            msg = f"unknown reason code {code!r}: add it to REASONS"
            raise ValueError(msg)
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
