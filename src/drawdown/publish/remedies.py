"""What to do about an event that is refused while it is read, by its code."""

from typing import Final

REMEDIES: Final = {
    "not_utf8": "write the event as UTF-8",
    "not_json": "send one JSON object, as strict JSON",
    "too_large": "send fewer fields: an event holds one measurement",
    "too_deep": "send the measurements as plain fields of data",
    "wrong_type": "counts are JSON integers, GPUs and gigabytes integers or strings, everything else strings",
    "missing_field": "add the field",
    "invalid_value": "mend the value",
    "unknown_type": "type is ai.drawdown.usage.<service>.v1",
    "unknown_version": "specversion is 1.0, and the type ends in .v1",
    "unknown_service": "name a service of the catalogue",
    "unknown_meter": "leave the field out, or correct its name: what nobody would bill is not taken",
    "negative_quantity": "usage is never negative; a correction is an adjustment of the wallet",
    "missing_key": "the record's key is the account",
}


def remedy(code: str) -> str:
    """Say what to do about a code."""
    return REMEDIES.get(code, "see the README's part on publishing usage")
