"""How often one caller may ask: a bucket of tokens each, that fills as time passes."""

from collections import OrderedDict

from drawdown.domain.limits import API_CALLERS_KEPT_MAX

_MS = 1_000  # tokens are counted in thousandths, so that a millisecond adds a whole number of them


class Rates:
    """The buckets of those who asked lately."""

    def __init__(self, per_second: int, burst: int) -> None:
        """Let each caller ask `per_second` times on average, and `burst` times at once."""
        self._per_second = per_second
        self._full = burst * _MS
        self._held: OrderedDict[str, tuple[int, int]] = OrderedDict()  # caller → thousandths of a token, as of ms

    def wait_ms(self, caller: str, now: int) -> int:
        """Take a token at an instant (ms): 0 if there was one, else in how many ms there is."""
        tokens, since = self._held.pop(caller, (self._full, now))
        tokens = min(self._full, tokens + max(now - since, 0) * self._per_second)
        allowed = tokens >= _MS
        self._held[caller] = (tokens - _MS if allowed else tokens, now)
        while len(self._held) > API_CALLERS_KEPT_MAX:
            self._held.popitem(last=False)
        return 0 if allowed else -(-(_MS - tokens) // self._per_second)
