"""What the engine asks of a ledger. A second ledger is another implementation of `Ledger`, nothing else."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from drawdown.engine.input import Input
from drawdown.engine.outcome import Outcome
from drawdown.engine.records import Record


class Ledger(Protocol):
    """A reducer with its inputs and outputs. All methods are pure.

    rules: by which it decides; raised by a release under which an old input would give other bytes.
    """

    name: ClassVar[str]
    rules: int
    usage_topics: ClassVar[tuple[str, ...]]  # in the order they are taken
    command_topic: ClassVar[str]  # taken before usage; timers are sent here
    output_topics: ClassVar[tuple[str, ...]]
    watermark_to: ClassVar[tuple[str, ...]]  # output topics that carry the watermark to the ledger that takes them
    watermark_from: ClassVar[tuple[str, ...]]  # usage topics whose watermark is carried on them

    def by_rules(self) -> Mapping[int, "Ledger"]:
        """Give the same ledger, reading the same states, by each rules that it knows: its own, and older releases'."""
        ...

    def decode(self, record: Record) -> Input:
        """Read a record; raise domain.errors.Reject with the reason."""
        ...

    def decide(self, state: object | None, item: Input) -> Outcome:
        """Apply an input to its key's state; raise domain.errors.Reject with the reason, and then nothing changes."""
        ...

    def encode_state(self, state: object) -> bytes:
        """Give the state's bytes; equal states give equal bytes."""
        ...

    def decode_state(self, value: bytes) -> object:
        """Read back what encode_state gave."""
        ...

    def due(self, state: object) -> int | None:
        """Say the next instant at which the state wants a timer, or None."""
        ...

    def timer(self, key: str, due: int) -> tuple[bytes, bytes]:
        """Give key and value of the timer command to send to `command_topic`."""
        ...

    def prices_offset(self) -> int:
        """Say up to where the prices are read: recorded in each commit."""
        ...


def clocked_by(ledger: Ledger) -> tuple[str, ...]:
    """Name the inputs whose append times are the ledger's clock: usage, or the commands of one that takes no usage."""
    return ledger.usage_topics or (ledger.command_topic,)
