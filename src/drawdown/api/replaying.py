"""The route that answers a dead letter: its bytes sent again so that they count once, and what came of it."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field

from drawdown.adapters.kafka.browsing import Place as Shard
from drawdown.api.access import Allowed, KeyedRoute
from drawdown.api.answering import PENDING, Decided, IdempotencyKey, Prefer, later_at, wait_seconds, written
from drawdown.api.commands import OFFICE
from drawdown.api.context import Context, context_of
from drawdown.api.letters import Place, letter_at
from drawdown.api.problems import Problem, later, refused
from drawdown.domain.errors import Reject
from drawdown.domain.limits import API_PROOF_SECONDS
from drawdown.domain.model import Usage
from drawdown.errors import NotThere, RefusedByService
from drawdown.operate.desk import Desk, Output
from drawdown.operate.keys import Key
from drawdown.operate.replaying import Answer, Signature, prepare
from drawdown.topics import CHARGES, CREDIT_CHARGING, PLAN_COMMANDS
from drawdown.wire.basics import StrictMessage

router = APIRouter(prefix="/v1/dead-letters", route_class=KeyedRoute, tags=["dead letters"])

_RATED: Final = frozenset({CHARGES, CREDIT_CHARGING})
_REPAIR: Final = "`drawdown dead-letters replay --edit FILE` sends repaired bytes instead"


class Replay(StrictMessage):
    """Why a dead letter is sent again; kept on the log with the name of the key's holder."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


@router.post("/{place}/replay", operation_id="replay_dead_letter", response_model=Decided, responses=PENDING)
async def replay_dead_letter(
    held: Annotated[Context, Depends(context_of)],
    key: Annotated[Key, Depends(Allowed(OFFICE))],
    place: Place,
    given: Replay,
    idempotency_key: IdempotencyKey,
    prefer: Prefer = None,
) -> Response:
    """Send a dead letter again. It counts once whatever the Idempotency-Key: usage by its own id, a command by its own.

    Usage is free of the accept window; past it, the outputs must first prove that the id has no outcome. `events` are
    the charge and the overage that it led to, or the command's events.
    """
    answer, starts = await _prepared(held, key, place, given.reason)
    quiet = answer.usage is not None
    decision = await held.issuer.issue_to(answer.topic, answer.account, answer.value, wait_seconds(prefer), quiet=quiet)
    events = decision.events
    if answer.usage is not None and not decision.pending and not decision.replayed:
        async with held.scans.desk() as desk:
            events = await _rated(desk, starts, answer.usage)
    if decision.pending:
        return later_at(f"/v1/dead-letters/{place}", idempotency_key)
    return written(idempotency_key, events, replayed=decision.replayed)


async def _prepared(held: Context, key: Key, place: str, reason: str) -> tuple[Answer, dict[Shard, int]]:
    """Check that a letter can count now; give what to send, and where its outputs will be. Raise Problem."""
    signature = Signature(key.holder, reason)
    async with held.scans.desk() as desk:
        letter = await letter_at(desk, place)
        if not letter.complete:
            at = letter.position
            detail = f"only a digest of its bytes is kept: they are at {at.topic} {at.partition}:{at.offset}. {_REPAIR}"
            raise _cannot("incomplete_dead_letter", detail)
        try:
            async with asyncio.timeout(API_PROOF_SECONDS):
                answer = await prepare(desk, letter, None, signature)
        except TimeoutError as error:
            detail = f"the outputs did not tell within {API_PROOF_SECONDS} s whether its id has an outcome already"
            raise later(f"{detail}; `drawdown dead-letters replay` takes the time it needs") from error
        except NotThere as error:
            raise refused("unproved", str(error)) from error
        except RefusedByService as error:
            reject = _reject(error)
            if reject is None:
                raise refused("has_outcome", str(error)) from error
            raise _cannot(reject.code, f"it would be refused again: {reject.detail}. {_REPAIR}") from error
        return answer, await desk.ends([desk.shard_of(answer.account.encode())])


def _cannot(code: str, detail: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, code, detail)


def _reject(error: BaseException | None) -> Reject | None:
    """Find the ledger's reason behind an error."""
    while error is not None and not isinstance(error, Reject):
        error = error.__cause__
    return error


async def _rated(desk: Desk, starts: dict[Shard, int], usage: Usage) -> tuple[Output, ...]:
    """Give the charge and the overage that came of usage since then; the wallet's charge of that comes later."""
    since = await desk.outputs_since(starts)
    return tuple(
        output
        for position, outputs in since.items()
        for output in outputs
        if position.topic == PLAN_COMMANDS and output.topic in _RATED and _is_of(output, usage)
    )


def _is_of(output: Output, usage: Usage) -> bool:
    event = output.said.get("event") or {}
    return (event.get("source"), event.get("id")) == (usage.source, usage.id)
