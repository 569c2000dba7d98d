"""Check a scenario file, and run it through both ledgers in one process."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from drawdown.domain.prices import Book, BookError
from drawdown.errors import BadInput
from drawdown.marked import Marked, utf8
from drawdown.scenario import compare
from drawdown.scenario.form import Scenario, Step, read_scenario
from drawdown.scenario.inputs import Inputs, Sent
from drawdown.scenario.world import Told, World, lead_of, told_of_book
from drawdown.topics import PLAN_COMMANDS, WALLET_COMMANDS
from drawdown.wire.book_file import book_in
from drawdown.wire.instants import format_instant
from drawdown.wire.price_book import decode_book

STANDARD = "prices.yaml"


class Moment(msgspec.Struct, frozen=True):
    """A step as it goes in: its instant, ms, its records, and the price book that it publishes, with its message."""

    at: int
    step: Step
    sent: list[Sent]
    book: tuple[Book, bytes] | None


class StepDifferences(msgspec.Struct, frozen=True):
    """What differs at a step. number: from 1; line: in the file."""

    number: int
    line: int
    at: str
    differences: list[str]


class Report(msgspec.Struct, frozen=True):
    """What a run found."""

    file: str
    scenario: str
    steps: int
    differing: list[StepDifferences]


class Plan(msgspec.Struct, frozen=True):
    """A checked scenario, ready to run."""

    document: Marked
    scenario: Scenario
    begins: int
    books: list[tuple[Book, int]]
    increments: dict[str, dict[str, int]]
    moments: list[Moment]


def load(file: str) -> Plan:
    """Read and check a file; raise BadInput with file, line and field."""
    try:
        value = Path(file).read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from error
    return plan_of(Marked(file, utf8(file, value)))


def plan_of(document: Marked) -> Plan:
    """Check a document; raise BadInput with file, line and field."""
    scenario = read_scenario(document)
    inputs = Inputs(scenario, document)
    at = begins = inputs.instant(scenario.begins, 0, ("begins",))
    moments = []
    for number, step in enumerate(scenario.steps):
        path = ("steps", number, "at")
        before, at = at, inputs.instant(step.at, at, path)
        if at < before:
            raise document.wrong(path, f"{step.at} lies before the step before, {format_instant(before)}")
        moments.append(Moment(at, step, inputs.of(number, step, at), inputs.book(number, step, at)))
    plan = Plan(document, scenario, begins, _books(scenario, document, begins), inputs.increments(), moments)
    world_of(plan)
    return plan


def _books(scenario: Scenario, document: Marked, begins: int) -> list[tuple[Book, int]]:
    found = []
    if scenario.standard_prices:
        for entry in standard_books():
            book = decode_book(msgspec.json.encode(entry))
            found.append((book, lead_of(book, begins)))
    for number, entry in enumerate(scenario.prices):
        book, _ = book_in(document, entry, ("prices", number))
        found.append((book, begins))
    return found


def standard_books() -> list[dict[str, Any]]:
    """Give the price books that hold in every scenario unless it says otherwise."""
    text = files("drawdown.scenario").joinpath(STANDARD).read_text(encoding="utf-8")
    books: list[dict[str, Any]] = Marked(STANDARD, text).value["prices"]
    return books


def world_of(plan: Plan) -> World:
    """Make the ledgers with the scenario's prices; raise BadInput when a book cannot be taken up."""
    try:
        return World(plan.books, plan.increments)
    except BookError as error:
        raise plan.document.wrong(("prices",), str(error)) from error


def opening(plan: Plan) -> list[Sent]:
    """Give the commands that open the accounts in both ledgers."""
    made = []
    for account, form in plan.scenario.accounts.items():
        command = {"command": "open_account", "version": 1, "id": f"open-{account}", "account": account}
        value = msgspec.json.encode(command | {"currency": form.currency, "time_zone": form.time_zone})
        made += [(topic, account, value) for topic in (PLAN_COMMANDS, WALLET_COMMANDS)]
    return made


def run(plan: Plan) -> Report:
    """Run a scenario; give what differs from what it says."""
    world = world_of(plan)
    for sent in opening(plan):
        for told in _send(world, sent, plan.begins):
            if told.kind == "refused":
                raise plan.document.wrong(("accounts", sent[1]), f"it cannot be opened: {told.message['detail']}")
    differing = []
    for number, moment in enumerate(plan.moments):
        came = world.pass_time(moment.at)
        if moment.book is not None:
            came += told_of_book(world.prices, moment.book[0], moment.at)
        for sent in moment.sent:
            came += _send(world, sent, moment.at)
        found = compare.outputs(moment.step.expect, came) + compare.states(moment.step.state or {}, world)
        if found:
            line = plan.document.line(("steps", number))
            differing.append(StepDifferences(number + 1, line, format_instant(moment.at), found))
    return Report(plan.document.name, plan.scenario.scenario, len(plan.moments), differing)


def _send(world: World, sent: Sent, at: int) -> list[Told]:
    topic, account, value = sent
    return world.send(topic, account.encode(), value, at)
