"""How commands that send say what came of it."""

from collections.abc import Sequence
from typing import Any

from drawdown.cli.output import say, show_json
from drawdown.operate.commands import DEAD_LETTER, DUPLICATE, NOT_TAKEN, Outcome
from drawdown.operate.replaying import failure_of
from drawdown.topics import ACCOUNT_EVENTS

_WORDS = {NOT_TAKEN: "sent, but not taken yet", DUPLICATE: "sent before", DEAD_LETTER: "refused, a dead letter"}


def told(outcome: Outcome) -> dict[str, Any]:
    """Give an outcome for programs."""
    return {
        "outcome": outcome.outcome,
        "code": outcome.code or None,
        "detail": outcome.detail or None,
        "position": outcome.position,
        "outputs": outcome.outputs,
    }


def show_outcomes(outcomes: Sequence[Outcome], *, as_json: bool, timeout: float) -> None:
    """Print what came of a command; raise RefusedByService or NotSeen when it does not count."""
    if as_json:
        show_json([told(outcome) for outcome in outcomes])
    for outcome in () if as_json else outcomes:
        say(f"{outcome.position.topic}: {sentence(outcome)}")
    failure = failure_of(outcomes, 0, timeout)
    if failure is not None:
        raise failure


def sentence(outcome: Outcome) -> str:
    """Say what came of something sent."""
    word = _WORDS.get(outcome.outcome, outcome.outcome)
    if outcome.code:
        return f"{word}: {outcome.code}: {outcome.detail}".removesuffix(": ")
    if outcome.outcome == DUPLICATE:
        return "sent before under the same id, and applied then"
    details = [output.said["detail"] for output in outcome.outputs if output.topic == ACCOUNT_EVENTS]
    return f"{word}: {'; '.join(details)}" if details else word
