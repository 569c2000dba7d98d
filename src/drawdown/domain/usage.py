"""From a service's own measurements to billable quantities, by the platform's published rules."""

from typing import Final

from drawdown.domain.catalogue import INFERENCE, SERVICES
from drawdown.domain.errors import Reject
from drawdown.domain.limits import INTERVAL_MAX_MS
from drawdown.domain.model import Measure
from drawdown.domain.quantity import MILLIONTHS, checked_quantity, count

_INFERENCE_METERS: Final = SERVICES[INFERENCE].meters


def duration_ms(start: int, end: int) -> int:
    """Give the length of [start, end), ms; raise Reject(invalid_value) if it ends before it starts or is too long."""
    length = end - start
    if length < 0:
        raise Reject("invalid_value", f"the interval ends {-length} ms before it starts")
    if length > INTERVAL_MAX_MS:
        raise Reject("invalid_value", f"the interval is {length} ms long; at most {INTERVAL_MAX_MS} (24 hours)")
    return length


def container_measures(
    start: int, end: int, gpu_thousandths: int, storage_thousandths: int, *, running: bool
) -> tuple[Measure, ...]:
    """GPU Container: GPU-seconds while running; storage GB-seconds running or stopped. Milliseconds x thousandths."""
    length = duration_ms(start, end)
    measures = []
    if running and length * gpu_thousandths:
        measures.append(Measure("gpu_seconds", checked_quantity(length * gpu_thousandths, "gpu_seconds")))
    if length * storage_thousandths:
        quantity = checked_quantity(length * storage_thousandths, "storage_gb_seconds")
        measures.append(Measure("storage_gb_seconds", quantity))
    return tuple(measures)


def fine_tuning_measures(start: int, end: int, gpu_thousandths: int) -> tuple[Measure, ...]:
    """Model Fine-tuning: duration x GPUs; a job's rounding up is added when it is final (see jobs.py)."""
    quantity = checked_quantity(duration_ms(start, end) * gpu_thousandths, "gpu_seconds")
    return (Measure("gpu_seconds", quantity),) if quantity else ()


def inference_measures(counts: tuple[int, ...]) -> tuple[Measure, ...]:
    """AI Inference: tokens, characters and images, each as its own meter. counts: in the catalogue's order."""
    measures = []
    for index in range(len(_INFERENCE_METERS)):  # compiled, three times as fast as zip
        counted = counts[index]
        if counted:
            meter = _INFERENCE_METERS[index]
            measures.append(Measure(meter, count(counted, meter) * MILLIONTHS))
    return tuple(measures)
