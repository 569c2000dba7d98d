"""Campaigns of voucher codes: drawn from a cryptographic source, kept as hashes only."""

import asyncio
import hmac
import itertools
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from drawdown.domain.codes.model import Code
from drawdown.domain.errors import Reject
from drawdown.domain.limits import CODE_LENGTH
from drawdown.domain.money import CURRENCIES, format_amount
from drawdown.engine.records import Record
from drawdown.errors import BadInput, NotThere, UserError
from drawdown.ledgers.codes import CodesLedger
from drawdown.operate.commands import APPLIED, DUPLICATE, Outcome, check_command, outcomes
from drawdown.operate.desk import Desk
from drawdown.topics import ACCOUNT_EVENTS, CODE_COMMANDS, WALLET_COMMANDS
from drawdown.wire.code_commands import decode_code_command, hash_of
from drawdown.wire.instants import format_instant

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_POLL_SECONDS = 0.1
REDEMPTION_ENDS = ("voucher_granted", "redemption_refused")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class CodeView:
    """A code for people. status: open, in_flight, redeemed or withdrawn."""

    campaign: str
    status: str
    amount: str
    currency: str
    account: str | None
    redemption: str | None
    opens: str | None
    closes: str | None


def hash_typed(code: str) -> str:
    """Give the hash of a code as a person typed it. Raise BadInput, which does not repeat it."""
    try:
        return hash_of(code)
    except Reject as reject:
        raise BadInput(reject.detail) from reject


def draw_codes(count: int) -> list[str]:
    """Draw so many different codes."""
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn["".join(secrets.choice(_LETTERS) for _ in range(CODE_LENGTH))] = None
    return list(drawn)


def derive_codes(secret: str, ident: str, count: int) -> list[str]:
    """Give so many different codes that nobody can tell without the secret and the ident, the same ones every time."""
    drawn: dict[str, None] = {}
    for number in itertools.count():
        if len(drawn) == count:
            break
        said = _encode(["voucher code", ident, number])
        left = int.from_bytes(hmac.digest(secret.encode(), said, "sha256"))
        letters = []
        for _ in range(CODE_LENGTH):
            left, letter = divmod(left, len(_LETTERS))
            letters.append(_LETTERS[letter])
        drawn["".join(letters)] = None
    return list(drawn)


def issuing(code: str, terms: dict[str, Any], ident: str = "issue") -> dict[str, Any]:
    """Give the command that issues a code, checked as the ledger will. Raise BadInput."""
    hashed = hash_of(code)
    command = {"command": "issue_code", "version": 1, "id": ident, "code": hashed, **terms}
    try:
        decode_code_command(Record(CODE_COMMANDS, 0, 0, 0, hashed.encode(), _encode(command)))
    except Reject as reject:
        raise BadInput(f"the codes would be refused: {reject}") from reject
    return command


def write_once(file: Path, codes: Sequence[str]) -> None:
    """Write codes to a new file that only its owner reads. Raise BadInput when it exists or cannot be made."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadInput(f"{file} cannot be made: {error.strerror}; name a file that does not exist") from error
    with os.fdopen(handle, "w") as out:
        out.write("\n".join(codes) + "\n")
        out.flush()
        os.fsync(out.fileno())


async def publish_codes(desk: Desk, commands: Sequence[dict[str, Any]], seconds: float) -> int:
    """Send the commands that issue codes; give how many. Raise UserError when they are not taken in time."""
    _need_wallet(desk)
    newest = await desk.send_all(CODE_COMMANDS, [(command["code"], _encode(command)) for command in commands])
    for position in newest:
        if not await desk.taken(position, seconds):
            raise UserError(f"the codes are published, but not taken within {seconds:g} seconds; they will be later")
    return len(commands)


async def show_code(desk: Desk, code: str) -> CodeView:
    """Look a code up; raise NotThere when it is none."""
    _need_wallet(desk)
    hashed = hash_typed(code)
    state = (await desk.cache("codes").look_up(desk.shard_of(hashed.encode()), [], [hashed])).states[0]
    held = None if state is None else CodesLedger().decode_state(state)
    if not isinstance(held, Code):
        raise NotThere("there is no such code: check it, letter by letter")
    terms, claim = held.terms, held.claim
    status = "withdrawn" if held.withdrawn else "open"
    if claim is not None:
        status = "redeemed" if claim.granted else "in_flight"
    return CodeView(
        campaign=terms.campaign,
        status=status,
        amount=format_amount(sum(part.amount for part in terms.parts), CURRENCIES[terms.currency]),
        currency=terms.currency,
        account=claim.account if claim else None,
        redemption=claim.redemption if claim else None,
        opens=None if held.opens is None else format_instant(held.opens),
        closes=None if held.closes is None else format_instant(held.closes),
    )


def redeeming(account: str, redemption: str, code: str, ident: str) -> dict[str, Any]:
    """Give the command that tries a code as a person typed it. Raise BadInput, which does not repeat it."""
    command = {"command": "redeem_code", "version": 1, "id": ident}
    return command | {"account": account, "redemption": redemption, "code": hash_typed(code)}


async def redeem(desk: Desk, account: str, redemption: str, code: str, seconds: float) -> list[Outcome]:
    """Try a code for an account, and wait for how the redemption ends."""
    _need_wallet(desk)
    command = redeeming(account, redemption, code, f"redeem:{redemption}")
    deadline = desk.clock.monotonic_ms() + int(seconds * 1000)
    starts = await desk.ends([desk.shard_of(account.encode())])
    sent = await desk.send(WALLET_COMMANDS, account, _encode(command))
    (begun,) = await outcomes(desk, [sent], starts, seconds, idents=[(account, f"redeem:{redemption}")])
    if not begun.accepted or not begun.outputs:
        return [begun]
    while desk.clock.monotonic_ms() < deadline:
        for position, found in (await desk.outputs_since(starts)).items():
            ends = [
                output for output in found if output.topic == ACCOUNT_EVENTS and output.said["kind"] in REDEMPTION_ENDS
            ]
            for output in ends:
                if (output.said["account"], output.said["credit"]) == (account, redemption):
                    refused = output.said["code"]
                    detail = output.said["detail"] if refused else ""
                    return [Outcome("refused" if refused else "applied", position, refused or "", detail, (output,))]
        await asyncio.sleep(_POLL_SECONDS)
    return [Outcome("not_taken", sent)]


def withdrawing(code: str, operator: str, reason: str, ident: str) -> dict[str, Any]:
    """Give the command that withdraws a code, checked as the ledger will. Raise BadInput."""
    hashed = hash_typed(code)
    command = {"command": "withdraw_code", "version": 1, "id": ident, "code": hashed}
    command |= {"operator": operator, "reason": reason}
    check_command(CODE_COMMANDS, hashed, _encode(command))
    return command


async def withdraw(desk: Desk, command: dict[str, Any], seconds: float) -> list[Outcome]:
    """Send the command that withdraws a code, and wait until it is taken."""
    _need_wallet(desk)
    code = command["code"]
    starts = await desk.ends([desk.shard_of(code.encode())])
    sent = await desk.send(CODE_COMMANDS, code, _encode(command))
    (told,) = await outcomes(desk, [sent], starts, seconds, idents=[None])
    # a withdrawal puts out nothing, unless it is refused
    return [Outcome(APPLIED, sent) if told.outcome == DUPLICATE else told]


def _need_wallet(desk: Desk) -> None:
    if not desk.settings.wallet:
        raise BadInput("codes are the wallet's, which is switched off (setting wallet, DRAWDOWN_WALLET)")
