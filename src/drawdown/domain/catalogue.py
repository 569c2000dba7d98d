"""The catalogue of services: their meters in the order in which pieces are paid, and their session increments."""

from typing import Final

import msgspec

from drawdown.domain.errors import Reject


class Service(msgspec.Struct, frozen=True, gc=False):
    """A service. meters: in paying order. session_increment_ms: a session's total duration rounds up to it, 0 for none.

    increments: meter → millionths to whose multiple an event's quantity rounds up, once, before any split.
    """

    name: str
    meters: tuple[str, ...]
    session_increment_ms: int = 0
    increments: dict[str, int] = {}


GPU_CONTAINER: Final = "gpu-container"
FINE_TUNING: Final = "fine-tuning"
INFERENCE: Final = "inference"

SERVICES: Final = {
    service.name: service
    for service in (
        Service(GPU_CONTAINER, ("gpu_seconds", "storage_gb_seconds")),
        Service(FINE_TUNING, ("gpu_seconds",), session_increment_ms=15 * 60_000),
        Service(
            INFERENCE,
            (
                "input_tokens",
                "cached_input_tokens",
                "output_tokens",
                "input_characters",
                "output_characters",
                "images",
            ),
        ),
    )
}


def service(name: str) -> Service:
    """Find a service; raise Reject(unknown_service)."""
    found = SERVICES.get(name)
    if found is None:
        raise Reject("unknown_service", f"service {name[:64]!r} is not in the catalogue: {', '.join(SERVICES)}")
    return found


def rounded_up(increments: dict[str, int], meter: str, quantity: int) -> int:
    """Round an event's quantity up to its meter's billing increment, if it has one. All in millionths."""
    increment = increments.get(meter, 0)
    if not increment:
        return quantity
    return -(-quantity // increment) * increment
