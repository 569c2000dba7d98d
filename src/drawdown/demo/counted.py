"""Usage whose price depends on what was used before: output of a large model through its tiers, images in packages."""

from collections.abc import Iterator

from drawdown.demo.scenario import HOUR, MINUTE, account_name
from drawdown.traces.events import Outgoing, event, outgoing

_ACCOUNTS = (3, 4, 12)  # in VND with a plan, in USD without one and with one
_CALLS: tuple[dict[str, object], ...] = (
    {"model": "DeepSeek-R1", "input_tokens": 2_000, "output_tokens": 7_000_000},
    {"model": "DeepSeek-R1", "output_tokens": 7_000_000},  # crosses the first tier's end, 10 million
    {"model": "FLUX.1-schnell", "images": 30},
    {"model": "FLUX.1-schnell", "images": 70},  # fills the package of 100 to the last
    {"model": "FLUX.1-schnell", "images": 101},  # opens two more
)


def usage(now: int) -> Iterator[Outgoing]:
    """Give the calls of each account, a minute apart, within the last hour."""
    for number in _ACCOUNTS:
        account = account_name(number)
        for place, told in enumerate(_CALLS):
            end = now - HOUR + place * MINUTE
            ident = f"counted-{account}-{place}"
            yield outgoing(
                "inference", event("inference", "/demo", ident, account, end, {"endpoint": "e", **told}), end
            )
