"""Which column of a CSV file means what; presets for two public traces."""

from typing import Literal

import msgspec

from drawdown.domain.catalogue import FINE_TUNING, GPU_CONTAINER, INFERENCE
from drawdown.errors import UserError

Service = Literal["inference", "gpu-container", "fine-tuning"]


class Columns(msgspec.Struct, frozen=True):
    """Names of columns; empty ones are not there.

    time: of a call. start, end: of a run. counts: meter field of the event → column. gpus, gpu_share (thousandths of
    one GPU, read where gpus is 1), gpu_model, name: of a run. seconds: times are seconds from the trace's start.
    """

    time: str = ""
    start: str = ""
    end: str = ""
    counts: dict[str, str] = {}
    name: str = ""
    gpus: str = ""
    gpu_share: str = ""
    gpu_model: str = ""
    seconds: bool = False


AZURE_LLM = Columns(time="TIMESTAMP", counts={"input_tokens": "ContextTokens", "output_tokens": "GeneratedTokens"})
ALIBABA_PODS = Columns(
    start="scheduled_time",
    end="deletion_time",
    name="name",
    gpus="num_gpu",
    gpu_share="gpu_milli",
    gpu_model="gpu_spec",
    seconds=True,
)
PRESETS = {"azure-llm": AZURE_LLM, "alibaba-pods": ALIBABA_PODS}


def needed(columns: Columns, service: Service) -> list[str]:
    """List the columns without which no usage of the service can be made."""
    if service == INFERENCE:
        return [columns.time, *columns.counts.values()]
    return [columns.start, columns.end, *([columns.gpus] if columns.gpus else [])]


def matching(header: list[str], service: Service) -> Columns:
    """Find the preset whose columns are all in the header; raise UserError when none is."""
    presets = {INFERENCE: [AZURE_LLM], GPU_CONTAINER: [ALIBABA_PODS], FINE_TUNING: [ALIBABA_PODS]}[service]
    for preset in presets:
        if set(needed(preset, service)) <= set(header):
            return preset
    raise UserError(
        f"no preset knows the columns {', '.join(header)} as {service}: name them with --time, --start, --end, --count"
    )
