"""What a ledger decided. Plain classes, so that a compiled worker fills and reads them fast."""

from collections.abc import Sequence
from typing import Final


class Emit:
    """An output of a decision: its topic (without prefix) and bytes.

    key: None keys it by the input's key; another one goes to that key's own partition, in the same transaction.
    timestamp: of the record where its topic keeps the sender's (local stacks), ms; None lets the log set it.
    """

    def __init__(
        self,
        topic: str,
        value: bytes,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp: int | None = None,
        key: bytes | None = None,
    ) -> None:
        """Hold all."""
        self.topic: Final = topic
        self.value: Final = value
        self.headers: Final = headers
        self.timestamp: Final = timestamp
        self.key: Final = key


class Outcome:
    """What a ledger decided: the next state, what to emit, and a command's result (kept with its id) or b''.

    state: None leaves the key as it was, while the identity is remembered and the emits go out.
    drop: nothing happened and the identity is not remembered (a timer that came too early). grew: the state took up
    something new, so that its size must be checked. amounts: (service, payer, currency) and quanta, to be counted once
    committed.
    """

    def __init__(
        self,
        state: object | None,
        emits: Sequence[Emit],
        result: bytes = b"",
        *,
        drop: bool = False,
        grew: bool = False,
        amounts: Sequence[tuple[tuple[str, str, str], int]] = (),
    ) -> None:
        """Hold all."""
        self.state: Final = state
        self.emits: Final = emits
        self.result: Final = result
        self.drop: Final = drop
        self.grew: Final = grew
        self.amounts: Final = amounts
