"""Price books of the demonstration: on demand and for plans, in USD and in VND."""

from decimal import Decimal

import msgspec

from drawdown.traces.events import GPU_MODELS, Outgoing

_encode = msgspec.json.Encoder().encode
_PER_HOUR, _PER_MILLION = 3_600, 1_000_000
_SINCE = "2020-01-01T00:00:00Z"
_VND_PER_USD = 26_000
_PLAN_SHARE = Decimal("0.8")
# on demand, in thousandths of a cent of a USD
_GPU_HOUR = {"H100": 231_000, "H200": 298_000, "A30": 62_000}
_TUNING_HOUR = {"H100": 550_000, "H200": 610_000, "A30": 120_000}
_TOKENS = {"Qwen3-32B": (16_500, 18_700), "Llama-3.3-70B": (22_000, 71_000), "DeepSeek-V3": (28_000, 89_000)}
_STORAGE_GB_HOUR = 13
_IMAGE = 4_000


def books() -> list[Outgoing]:
    """Give the four books as records for `prices`."""
    return [_book(kind, currency) for kind in ("on_demand", "plan") for currency in ("USD", "VND")]


def name_of(kind: str, currency: str) -> str:
    """Give a book's name."""
    return f"{kind.replace('_', '-')}-{currency.lower()}"


def _book(kind: str, currency: str) -> Outgoing:
    def price(thousandths_of_cents: int) -> str:
        amount = Decimal(thousandths_of_cents).scaleb(-5)
        if kind == "plan":
            amount *= _PLAN_SHARE
        return f"{amount * _VND_PER_USD if currency == 'VND' else amount:f}"

    entries: list[dict[str, object]] = []
    for model in GPU_MODELS:
        for service, hours in (("gpu-container", _GPU_HOUR), ("fine-tuning", _TUNING_HOUR)):
            entries.append(_entry(service, "gpu_seconds", price(hours[model]), _PER_HOUR, gpu_model=model))
    entries.append(_entry("gpu-container", "storage_gb_seconds", price(_STORAGE_GB_HOUR), _PER_HOUR))
    for model, (question, answer) in _TOKENS.items():
        entries.append(_entry("inference", "input_tokens", price(question), _PER_MILLION, model=model))
        entries.append(_entry("inference", "output_tokens", price(answer), _PER_MILLION, model=model))
    entries.append(_entry("inference", "images", price(_IMAGE), 1))
    name = name_of(kind, currency)
    message = {
        "name": name,
        "version": 1,
        "kind": kind,
        "currency": currency,
        "effective_from": _SINCE,
        "prices": entries,
    }
    return Outgoing("prices", f"{name}:1".encode(), _encode(message), 0)


def _entry(service: str, meter: str, unit_price: str, per: int, **dimensions: str) -> dict[str, object]:
    return {"service": service, "meter": meter, "dimensions": dimensions, "unit_price": unit_price, "per": per}
