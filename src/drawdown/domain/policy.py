"""How far from the append time an event's time may lie, and to what its quantities round up."""

import msgspec

from drawdown.domain.catalogue import INFERENCE, SERVICES
from drawdown.domain.errors import Reject
from drawdown.domain.limits import SKEW_MS, WINDOW_DEFAULT_MS, WINDOW_INFERENCE_MS


class Policy(msgspec.Struct, frozen=True):
    """Accept windows by service, and the skew; all ms. default_window_ms: of services not named.

    increments: service → meter → millionths to whose multiple an event's quantity rounds up; the catalogue's.
    """

    windows_ms: dict[str, int]
    default_window_ms: int
    skew_ms: int
    increments: dict[str, dict[str, int]] = {name: one.increments for name, one in SERVICES.items() if one.increments}

    @classmethod
    def default(cls) -> "Policy":
        """Give the design's defaults: inference 6 hours, others 3 days."""
        return cls({INFERENCE: WINDOW_INFERENCE_MS}, WINDOW_DEFAULT_MS, SKEW_MS)

    def window_ms(self, service: str) -> int:
        """Give the service's accept window."""
        return self.windows_ms.get(service, self.default_window_ms)

    @property
    def longest_window_ms(self) -> int:
        """Give the longest accept window of all services."""
        return max(self.default_window_ms, *self.windows_ms.values()) if self.windows_ms else self.default_window_ms

    def forget_at(self, service: str, time: int) -> int:
        """Give the instant past which no copy of an event of `time` can be accepted any more."""
        return time + self.window_ms(service) + self.skew_ms

    def check(self, service: str, time: int, appended: int) -> None:
        """Raise Reject too_late or in_the_future for an event time outside the window around its append time."""
        window = self.window_ms(service)
        if appended - time > window:
            detail = f"the usage ended {appended - time} ms before it was appended; {service} accepts {window} ms"
            raise Reject("too_late", detail)
        self.check_ahead(time, appended)

    def check_ahead(self, time: int, appended: int) -> None:
        """Raise Reject in_the_future for an event time too far after its append time."""
        if time - appended > self.skew_ms:
            detail = (
                f"the usage ends {time - appended} ms after it was appended; at most {self.skew_ms} ms are accepted"
            )
            raise Reject("in_the_future", detail)
