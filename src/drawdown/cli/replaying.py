"""`drawdown dead-letters replay`: which letters, what would be sent, and what came of it."""

import getpass
import sys
from typing import Any

import msgspec
import typer

from drawdown.cli.command import read
from drawdown.cli.output import at_desk, say, short, show_json
from drawdown.cli.sending import sentence, told
from drawdown.errors import BadInput, UserError
from drawdown.operate.commands import APPLIED, DUPLICATE, Outcome
from drawdown.operate.desk import Desk
from drawdown.operate.letters import Filters, Letter, find, one
from drawdown.operate.replaying import Answer, Signature, failure_of, prepare, send
from drawdown.topics import CHARGES, CREDIT_CHARGING

_KINDS = {CHARGES: "charge", CREDIT_CHARGING: "overage"}


class Request(msgspec.Struct, frozen=True):
    """What was asked for; see cli/dead_letters.py."""

    letter: str
    edit: str
    filters: Filters
    limit: int
    note: str
    operator: str
    dry_run: bool
    yes: bool
    timeout: float
    as_json: bool


class Skipped(msgspec.Struct, frozen=True):
    """A letter that cannot be answered as it stands."""

    letter: Letter
    why: UserError


def answer(request: Request) -> None:
    """Answer one letter or several."""
    if not request.letter and request.filters == Filters():
        raise BadInput("name one letter, or say which with --reason, --account, --service, --topic, --since or --until")
    if request.edit and not request.letter:
        raise BadInput("--edit repairs one letter: name it")
    repaired = read(request.edit) if request.edit else None
    failure = at_desk(lambda desk: _answer(desk, request, repaired))
    if failure is not None:
        raise failure


async def _answer(desk: Desk, request: Request, repaired: bytes | None) -> UserError | None:
    letters = await _letters(desk, request)
    signature = Signature(request.operator or getpass.getuser(), request.note)
    answers: list[Answer] = []
    skipped: list[Skipped] = []
    for letter in letters:
        try:
            answers.append(await prepare(desk, letter, repaired, signature))
        except UserError as error:
            if request.letter:
                raise
            skipped.append(Skipped(letter, error))
    if not request.as_json:
        for one_ in skipped:
            say(f"{one_.letter.name}: left out: {one_.why}")
    if request.dry_run:
        _show_plan(answers, skipped, as_json=request.as_json)
        return failure_of([], len(skipped), request.timeout)
    if answers and not request.letter and not request.yes:
        typer.confirm(f"Replay {len(answers)} dead letters?", abort=True, err=True)
    outcomes = await send(desk, answers, request.timeout) if answers else []
    _show(answers, outcomes, skipped, as_json=request.as_json)
    return failure_of(outcomes, len(skipped), request.timeout)


async def _letters(desk: Desk, request: Request) -> list[Letter]:
    if request.letter:
        return [await one(desk, request.letter)]
    letters, count = await find(desk, request.filters, request.limit)
    if count > len(letters):
        sys.stderr.write(f"{count} dead letters fit; the newest {len(letters)} are taken (--limit)\n")
    return letters


def _show_plan(answers: list[Answer], skipped: list[Skipped], *, as_json: bool) -> None:
    if as_json:
        ready = [_about(one_) | {"would_send_to": one_.topic, "past_window": one_.past_window} for one_ in answers]
        show_json(ready + [_left_out(one_) for one_ in skipped])
        return
    for one_ in answers:
        proved = "; past its window, and the outputs prove that its id has no outcome" if one_.past_window else ""
        say(f"{one_.letter.name}: would be sent to {one_.topic} for account {one_.account}{proved}")
    say(f"{len(answers)} would be sent, {len(skipped)} left out; nothing was sent")


def _show(answers: list[Answer], outcomes: list[Outcome], skipped: list[Skipped], *, as_json: bool) -> None:
    if as_json:
        done = [_about(one_) | told(outcome) for one_, outcome in zip(answers, outcomes, strict=True)]
        show_json(done + [_left_out(one_) for one_ in skipped])
        return
    for one_, outcome in zip(answers, outcomes, strict=True):
        say(f"{one_.letter.name}: {_came_of(one_, outcome)}")
    counts = {word: sum(outcome.outcome == word for outcome in outcomes) for word in (APPLIED, DUPLICATE)}
    if len(answers) + len(skipped) != 1:
        say(f"{counts[APPLIED]} applied, {counts[DUPLICATE]} had an outcome already, of {len(answers) + len(skipped)}")


def _came_of(answer_: Answer, outcome: Outcome) -> str:
    usage = answer_.usage
    if usage is None or outcome.outcome not in {APPLIED, DUPLICATE}:
        return sentence(outcome)
    if outcome.outcome == DUPLICATE:
        return f"event {usage.id} had an outcome already; `drawdown charges show --event {usage.id}` shows it"
    rated = [
        f"{_KINDS[output.topic]} of {short(output.said['total'])} {output.said['currency']}"
        for output in outcome.outputs
        if output.topic in _KINDS
    ]
    return f"event {usage.id} of account {usage.account} is rated: {', '.join(rated)}"


def _about(answer_: Answer) -> dict[str, Any]:
    event = None if answer_.usage is None else {"source": answer_.usage.source, "id": answer_.usage.id}
    return {"letter": answer_.letter.name, "account": answer_.account, "event": event}


def _left_out(skipped: Skipped) -> dict[str, Any]:
    return {"letter": skipped.letter.name, "outcome": "left_out", "detail": str(skipped.why)}
