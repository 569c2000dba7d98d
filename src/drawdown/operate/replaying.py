"""Answering a dead letter: its bytes, or repaired ones, sent again so that they count once."""

from collections.abc import Sequence

import msgspec

from drawdown.domain.errors import Reject
from drawdown.domain.limits import EVENT_BYTES_MAX
from drawdown.domain.model import Usage
from drawdown.engine.records import Headers, Record
from drawdown.errors import BadInput, NotSeen, RefusedByService, UserError
from drawdown.operate.commands import Outcome, check_command, outcomes
from drawdown.operate.desk import Desk
from drawdown.operate.letters import Letter, subject_of
from drawdown.operate.proof import needs_proof, prove_no_outcome
from drawdown.topics import CODE_COMMANDS, PLAN_COMMANDS, USAGE, WALLET_COMMANDS
from drawdown.wire.replay import encode_replay
from drawdown.wire.usage import decode_usage

_STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)


class Answer(msgspec.Struct, frozen=True):
    """What would be sent for a letter. usage: None for commands. past_window: proved to have no outcome."""

    letter: Letter
    topic: str
    account: str
    value: bytes
    usage: Usage | None
    past_window: bool = False


class Signature(msgspec.Struct, frozen=True):
    """Who answers, and why."""

    operator: str
    reason: str


async def prepare(desk: Desk, letter: Letter, repaired: bytes | None, signature: Signature) -> Answer:
    """Check that a letter, or its repaired bytes, can count now. Raise UserError saying why it cannot."""
    if repaired is None and not letter.complete:
        raise UserError(
            f"dead letter {letter.name} holds only a digest of its bytes: they were too large to keep. Read them at"
            f" {letter.position.topic} partition {letter.position.partition} offset {letter.position.offset},"
            " and give them with --edit"
        )
    value = letter.value if repaired is None else repaired
    if letter.topic in {PLAN_COMMANDS, WALLET_COMMANDS}:
        return _command(letter, value)
    if letter.topic in USAGE:
        return await _usage(desk, letter, value, _headers(letter, repaired), signature)
    raise BadInput(f"dead letter {letter.name} is of {letter.topic}, which holds outputs: they are not sent again")


def _command(letter: Letter, value: bytes) -> Answer:
    account = _code_of(value) if letter.topic == CODE_COMMANDS else subject_of(value, ()) or ""
    try:
        check_command(letter.topic, account, value)
    except BadInput as error:
        raise RefusedByService(f"dead letter {letter.name}: {error}; repair it with --edit FILE") from error
    return Answer(letter, letter.topic, account, value, None)


def _code_of(value: bytes) -> str:
    """Give the key of a command of the codes ledger, "" when it names none."""
    try:
        return str(msgspec.json.decode(value, type=dict[str, object]).get("code", ""))
    except (msgspec.DecodeError, ValueError):
        return ""


async def _usage(desk: Desk, letter: Letter, value: bytes, headers: Headers, signature: Signature) -> Answer:
    account = subject_of(value, headers) or ""
    try:
        usage = decode_usage(Record(letter.topic, 0, 0, 0, account.encode("utf-8", "replace"), value, headers))
        desk.settings.policy.check_ahead(usage.time, desk.clock.now_ms())
    except Reject as reject:
        raise RefusedByService(
            f"dead letter {letter.name} would be refused again: {reject}; repair it with --edit FILE"
        ) from reject
    past = needs_proof(desk, usage)
    if past:
        await prove_no_outcome(desk, usage)
    command = encode_replay(
        f"replay:{letter.name}",
        account,
        letter.topic,
        value,
        headers,
        letter=(letter.partition, letter.offset),
        operator=signature.operator,
        reason=signature.reason,
    )
    check_command(PLAN_COMMANDS, account, command)
    return Answer(letter, PLAN_COMMANDS, account, command, usage, past)


def _headers(letter: Letter, repaired: bytes | None) -> Headers:
    """Give the event's headers; bytes repaired to a whole CloudEvent need none of a binary one's."""
    if repaired is None or len(repaired) > EVENT_BYTES_MAX:
        return letter.headers
    try:
        whole = msgspec.json.decode(repaired)
    except msgspec.DecodeError:
        return letter.headers
    return _STRUCTURED if isinstance(whole, dict) and "specversion" in whole else letter.headers


async def send(desk: Desk, answers: Sequence[Answer], seconds: float) -> list[Outcome]:
    """Send answers, and wait for what comes of them."""
    starts = await desk.ends({desk.shard_of(answer.account.encode()) for answer in answers})
    sent = [await desk.send(answer.topic, answer.account, answer.value) for answer in answers]
    idents = [None if answer.usage is not None else _ident(answer) for answer in answers]
    return await outcomes(desk, sent, starts, seconds, idents)


def _ident(answer: Answer) -> tuple[str, str]:
    return answer.account, msgspec.json.decode(answer.value)["id"]


def failure_of(told: Sequence[Outcome], skipped: int, seconds: float) -> UserError | None:
    """Give the error that a command must end with, None if everything counts."""
    late = [outcome for outcome in told if outcome.outcome == "not_taken"]
    refused = skipped + sum(not outcome.accepted for outcome in told) - len(late)
    if late:
        first = late[0].position
        return NotSeen(
            f"sent to {first.topic} partition {first.partition} offset {first.offset}, but not taken within"
            f" {seconds:g} seconds: is a worker running? It counts once when one takes it (`drawdown lag`)"
        )
    if refused:
        count = len(told) + skipped
        what = f"{refused} of {count} were" if count > 1 else "it was"
        return RefusedByService(f"{what} refused, and nothing else changed")
    return None
