"""The one envelope of both content modes. A struct, no functions."""

import msgspec


class Envelope(msgspec.Struct, gc=False):
    """An event's attributes and its data as raw JSON."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    data: msgspec.Raw
