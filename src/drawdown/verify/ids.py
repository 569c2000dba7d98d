"""The identities that a ledger has accepted, as long as a worker remembers them."""

from drawdown.engine.ledger import Input


class Ids:
    """Identity → content and when it may be forgotten."""

    def __init__(self) -> None:
        """Know none."""
        self._known: dict[bytes, tuple[bytes, int]] = {}

    def __len__(self) -> int:
        """Count them."""
        return len(self._known)

    def add(self, item: Input) -> bool:
        """Remember an input; False if it was accepted before."""
        fresh = item.identity not in self._known
        self._known[item.identity] = item.content, item.forget_at
        return fresh

    def content(self, identity: bytes) -> bytes | None:
        """Give the content hash of an accepted identity."""
        found = self._known.get(identity)
        return None if found is None else found[0]

    def kept(self) -> list[tuple[bytes, bytes, int]]:
        """Give identity, content and when it may be forgotten of each."""
        return [(identity, *kept) for identity, kept in self._known.items()]

    def resume(self, kept: list[tuple[bytes, bytes, int]]) -> None:
        """Go on with what `kept` gave."""
        self._known.update((identity, (content, forget_at)) for identity, content, forget_at in kept)

    def forget(self, before: int) -> None:
        """Forget what may be forgotten before an instant (ms): no copy of it can be accepted any more."""
        self._known = {one: kept for one, kept in self._known.items() if kept[1] >= before}
