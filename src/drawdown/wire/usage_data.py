"""What usage events of the three services carry as their data. Structs only, no functions."""

from typing import Any, Literal

import msgspec

from drawdown.domain.catalogue import FINE_TUNING, GPU_CONTAINER, INFERENCE

TYPE_PREFIX = "ai.drawdown.usage."


class ContainerData(msgspec.Struct, gc=False, rename={"from_": "from"}):
    """What a GPU Container measured over [from, to); to is the event's time. Storage counts also while stopped."""

    container: str
    gpu_model: str
    gpu_count: int | str
    state: Literal["running", "stopped"]
    from_: str
    to: str
    storage_gb: int | str = 0
    region: str | None = None


class TuningData(msgspec.Struct, gc=False, rename={"from_": "from"}):
    """What a fine-tuning job used over [from, to); to is the event's time. final: the job has ended."""

    job: str
    model: str
    gpu_model: str
    gpu_count: int | str
    from_: str
    to: str
    final: bool = False
    region: str | None = None


class InferenceData(msgspec.Struct, gc=False):
    """What an endpoint served in one call or batch of calls."""

    endpoint: str
    model: str
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    input_characters: int = 0
    output_characters: int = 0
    images: int = 0
    region: str | None = None

    def counts(self) -> tuple[int, ...]:
        """Give what was measured, in the order of the catalogue's meters."""
        return (
            self.input_tokens,
            self.cached_input_tokens,
            self.output_tokens,
            self.input_characters,
            self.output_characters,
            self.images,
        )


DATA_TYPES: dict[str, type[Any]] = {
    GPU_CONTAINER: ContainerData,
    FINE_TUNING: TuningData,
    INFERENCE: InferenceData,
}
