"""Commands: checked as the ledger will, sent, and what came of them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from drawdown.domain.errors import Reject
from drawdown.domain.limits import REPLAY_BYTES_MAX
from drawdown.engine.records import Record
from drawdown.errors import BadInput
from drawdown.operate.desk import Desk, Output, Position
from drawdown.topics import CODE_COMMANDS, DEAD_LETTERS, PLAN_COMMANDS, WALLET_COMMANDS
from drawdown.wire.code_commands import decode_code_command
from drawdown.wire.commands import decode_command
from drawdown.wire.identity import identity_of
from drawdown.wire.registry import MESSAGES
from drawdown.wire.wallet_commands import decode_wallet_command

_PREFIX = "command."
_BY_LEDGERS = {"command.timer", "command.code_answer"}  # what no person sends
TOPICS = {
    message.name.removeprefix(_PREFIX): message.topics
    for message in MESSAGES
    if message.name.startswith(_PREFIX) and message.name not in _BY_LEDGERS and CODE_COMMANDS not in message.topics
}
APPLIED, REFUSED, DEAD_LETTER, DUPLICATE, NOT_TAKEN = "applied", "refused", "dead_letter", "duplicate", "not_taken"
IDENTITIES = {PLAN_COMMANDS: "command", WALLET_COMMANDS: "wallet-command", CODE_COMMANDS: "code-command"}
_LEDGERS = {PLAN_COMMANDS: "plans", WALLET_COMMANDS: "wallet", CODE_COMMANDS: "codes"}
_CONTENT_BYTES = 8
_encode = msgspec.json.Encoder().encode


class Outcome(msgspec.Struct, frozen=True):
    """What came of something sent. outcome: applied, refused, dead_letter, duplicate, or not_taken (in time).

    code, detail: of a refusal. outputs: what it led to, as it stands on the output topics.
    """

    outcome: str
    position: Position
    code: str = ""
    detail: str = ""
    outputs: tuple[Output, ...] = ()

    @property
    def accepted(self) -> bool:
        """Say whether it counts, now or since an earlier time."""
        return self.outcome in {APPLIED, DUPLICATE} and not self.code


def read_command(value: bytes) -> dict[str, Any]:
    """Read a command that a person wrote, and check it as the ledgers will. Raise BadInput."""
    if len(value) > REPLAY_BYTES_MAX:
        raise BadInput(f"the command has {len(value)} bytes; at most {REPLAY_BYTES_MAX}")
    try:
        command = msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise BadInput(f"the command is not JSON: {error}") from error
    kind = command.get("command") if isinstance(command, dict) else None
    if not isinstance(command, dict) or kind not in TOPICS:
        raise BadInput(f"command {kind!r} is not one of {', '.join(TOPICS)}")
    for topic in TOPICS[kind]:
        check_command(topic, str(command.get("account")), value)
    return command


def check_command(topic: str, account: str, value: bytes) -> None:
    """Raise BadInput for a command that its ledger would not be able to read."""
    record = Record(topic, 0, 0, 0, account.encode("utf-8", "replace"), value)
    try:
        if topic == PLAN_COMMANDS:
            decode_command(record)
        elif topic == CODE_COMMANDS:
            decode_code_command(record)
        else:
            decode_wallet_command(record)
    except Reject as reject:
        raise BadInput(f"the command would be refused: {reject}") from reject


async def send_command(desk: Desk, command: dict[str, Any], seconds: float) -> list[Outcome]:
    """Send a command to every ledger that takes it, and wait for what comes of it."""
    topics = [topic for topic in TOPICS[command["command"]] if topic == PLAN_COMMANDS or desk.settings.wallet]
    if not topics:
        raise BadInput(f"{command['command']} is the wallet's, which is switched off (setting wallet, DRAWDOWN_WALLET)")
    account = command["account"]
    starts = await desk.ends([desk.shard_of(account.encode())])
    sent = [await desk.send(topic, account, _encode(command)) for topic in topics]
    return await outcomes(desk, sent, starts, seconds, idents=[(account, command["id"])] * len(sent))


async def outcomes(
    desk: Desk,
    sent: Sequence[Position],
    starts: dict[tuple[str, int], int],
    seconds: float,
    idents: Sequence[tuple[str, str] | None],
) -> list[Outcome]:
    """Wait until all is taken, then say of each what came of it. idents: account and id of each that is a command."""
    deadline = desk.clock.monotonic_ms() + int(seconds * 1000)
    newest: dict[tuple[str, int], Position] = {}
    for position in sorted(sent, key=lambda one: one.offset):
        newest[position.topic, position.partition] = position
    late = set()
    for place, position in newest.items():
        left_ms = max(deadline - desk.clock.monotonic_ms(), 1)
        if not await desk.taken(position, left_ms / 1000):
            late.add(place)
    found = await desk.outputs_since(starts)
    told = []
    for position, ident in zip(sent, idents, strict=True):
        outputs = tuple(found.get(position, ()))
        if outputs:
            told.append(told_by(position, outputs))
        elif (position.topic, position.partition) in late:
            told.append(Outcome(NOT_TAKEN, position))
        else:
            told.append(await _known(desk, position, ident))
    return told


def told_by(position: Position, outputs: tuple[Output, ...]) -> Outcome:
    """Say what came of something sent, by what it led to."""
    for output in outputs:
        if output.topic == DEAD_LETTERS:
            return Outcome(DEAD_LETTER, position, output.said["reason"], output.said["detail"], outputs)
        if output.said.get("kind") == "command_refused":
            return Outcome(REFUSED, position, output.said["code"], output.said["detail"], outputs)
    return Outcome(APPLIED, position, outputs=outputs)


async def _known(desk: Desk, position: Position, ident: tuple[str, str] | None) -> Outcome:
    """Say what came of the same command when it was first sent: its result is kept with its id."""
    if ident is None:
        return Outcome(DUPLICATE, position)
    account, id_ = ident
    cache = desk.cache(_LEDGERS[position.topic])
    identity = identity_of(IDENTITIES[position.topic], account, id_)
    known = (await cache.look_up(position.partition, [identity], [])).known.get(0, b"")
    result = msgspec.json.decode(known[_CONTENT_BYTES:] or b"{}")
    return Outcome(DUPLICATE, position, result.get("refused") or "")
