"""Commands on their way: what is known is not sent again, what is not read is not sent at all."""

from typing import Any, cast

import msgspec
import pytest

from drawdown.api.counts import ApiCounts
from drawdown.api.decisions import Decisions
from drawdown.api.issuing import Decision, Issuer
from drawdown.api.problems import Problem
from drawdown.domain.limits import API_WAITING_MAX
from drawdown.engine.commit import GENESIS
from drawdown.engine.ports import LookUp
from drawdown.engine.records import Record
from drawdown.operate.desk import Position
from drawdown.settings import Settings, load_settings
from drawdown.topics import ACCOUNT_EVENTS, CODE_COMMANDS, DEAD_LETTERS, PLAN_COMMANDS, WALLET_COMMANDS

TOP_UP = {"command": "top_up", "version": 1, "id": "t", "account": "acme"} | {
    "reference": "t-1",
    "currency": "USD",
    "amount": "50.00",
}
PAUSE = {"command": "pause_plan", "version": 1, "id": "p", "account": "acme", "plan": "team"}


class Desk:
    """Redis and Kafka as they would answer: `known` by ledger, and what each send leads to."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self.clock = self
        self.known: dict[str, bytes] = {}
        self.sent: list[tuple[str, str]] = []
        self.leads_to: list[tuple[str, dict[str, Any]]] = []
        self.result = b'{"applied":7,"refused":null}'
        self.decisions = Decisions()
        self.counts = ApiCounts()
        self.quietly = False  # what is sent is taken, and leads to nothing
        self.ms = 0

    def monotonic_ms(self) -> int:
        self.ms += 100
        return self.ms

    def shard_of(self, key: bytes) -> int:
        return 3

    def cache(self, ledger: str) -> "Cache":
        return Cache(self, ledger)

    async def send(self, topic: str, account: str, value: bytes) -> Position:
        """The worker is quick: what it puts out is there before the answer."""
        self.sent.append((topic, account))
        position = Position(topic, 3, len(self.sent))
        item = self.issuer._ledgers[topic].decode(Record(topic, 3, 0, 0, account.encode(), value))
        ledger = {PLAN_COMMANDS: "plans", WALLET_COMMANDS: "wallet", CODE_COMMANDS: "codes"}[topic]
        if self.quietly:
            self.known[ledger] = item.content + self.result
        for out, said in self.leads_to:
            place = {"topic": topic, "partition": 3, "offset": position.offset}
            if out == DEAD_LETTERS:
                headers = tuple((name, str(one).encode()) for name, one in (place | said).items())
                self.decisions.take(Record(out, 3, 0, 0, account.encode(), value, headers))
            else:
                self.known[ledger] = item.content + self.result
                message = msgspec.json.encode(said | {"account": account, "position": place})
                self.decisions.take(Record(out, 3, 0, 0, account.encode(), message))
        return position

    @property
    def issuer(self) -> Issuer:
        return Issuer(cast(Any, self), self.decisions, self.counts)


class Cache:
    def __init__(self, desk: Desk, ledger: str) -> None:
        self._held = desk.known.get(ledger)

    async def look_up(self, shard: int, identities: list[bytes], accounts: list[str]) -> LookUp:
        return LookUp(GENESIS, {} if self._held is None else {0: self._held}, [])


async def refusal(desk: Desk, command: dict[str, Any], seconds: float = 5) -> tuple[int, str]:
    with pytest.raises(Problem) as raised:
        await desk.issuer.issue(command, seconds)
    return int(raised.value.status), raised.value.code


async def test_a_command_is_sent_and_answered_by_its_events() -> None:
    desk = Desk()
    desk.leads_to = [(ACCOUNT_EVENTS, {"kind": "plan_paused", "code": None, "detail": "paused"})]
    decision = await desk.issuer.issue(PAUSE, 5)
    assert desk.sent == [(PLAN_COMMANDS, "acme")]
    assert (decision.pending, decision.replayed) == (False, False)
    assert [event.said["kind"] for event in decision.events] == ["plan_paused"]


async def test_a_command_that_is_known_is_not_sent_again() -> None:
    desk = Desk()
    desk.leads_to = [(ACCOUNT_EVENTS, {"kind": "plan_paused", "code": None, "detail": "paused"})]
    await desk.issuer.issue(PAUSE, 5)
    again = await desk.issuer.issue(PAUSE, 5)
    assert (again.replayed, again.events, len(desk.sent)) == (True, (), 1)
    assert await refusal(desk, PAUSE | {"plan": "other"}) == (409, "id_conflict")
    assert len(desk.sent) == 1


async def test_a_refusal_is_told_by_its_code_now_and_when_it_is_asked_for_again() -> None:
    desk = Desk()
    desk.result = b'{"applied":7,"refused":"wrong_status"}'
    desk.leads_to = [(ACCOUNT_EVENTS, {"kind": "command_refused", "code": "wrong_status", "detail": "it is active"})]
    assert await refusal(desk, PAUSE) == (409, "wrong_status")
    assert await refusal(desk, PAUSE) == (409, "wrong_status")
    assert len(desk.sent) == 1


async def test_a_dead_letter_is_told_without_waiting_for_what_never_comes() -> None:
    desk = Desk()
    desk.leads_to = [(DEAD_LETTERS, {"reason": "state_too_large", "detail": "the state would be too large"})]
    assert await refusal(desk, PAUSE) == (422, "state_too_large")


async def test_an_account_that_one_of_its_ledgers_does_not_know_is_not_found() -> None:
    desk = Desk()
    desk.leads_to = [(DEAD_LETTERS, {"reason": "unknown_account", "detail": "account acme was never opened"})]
    assert await refusal(desk, TOP_UP) == (404, "unknown_account")


async def test_what_no_worker_takes_is_pending() -> None:
    desk = Desk()
    decision = await desk.issuer.issue(PAUSE, 0)
    assert (decision.pending, decision.events) == (True, ())
    assert await desk.issuer.result("acme", "p") == {}


async def test_the_same_command_decided_for_another_request_meanwhile_is_found() -> None:
    desk = Desk()
    desk.leads_to = []
    issuer = desk.issuer
    item = issuer._ledgers[WALLET_COMMANDS].decode(
        Record(WALLET_COMMANDS, 3, 0, 0, b"acme", msgspec.json.encode(TOP_UP))
    )

    async def send(topic: str, account: str, value: bytes) -> Position:
        desk.known["wallet"] = item.content + desk.result
        return Position(topic, 3, 9)

    desk.send = send  # type: ignore[method-assign]
    decision = await issuer.issue(TOP_UP, 5)
    assert (decision.pending, decision.events) == (False, ())


async def test_a_command_that_its_ledger_could_not_read_is_not_sent() -> None:
    desk = Desk()
    assert await refusal(desk, TOP_UP | {"amount": "1.0000000001"}) == (422, "invalid_value")
    assert await refusal(desk, PAUSE | {"until": "noon"}) == (422, "invalid_value")
    assert desk.sent == []


async def test_without_a_wallet_its_commands_go_nowhere() -> None:
    desk = Desk(load_settings(wallet=False))
    assert await refusal(desk, TOP_UP) == (404, "no_wallet")
    assert desk.sent == []


WITHDRAW = {"command": "withdraw_code", "version": 1, "id": "w", "code": "0" * 64, "operator": "o", "reason": "r"}


async def to_codes(desk: Desk, command: dict[str, Any], seconds: float = 5) -> Decision:
    value = msgspec.json.encode(command)
    return await desk.issuer.issue_to(CODE_COMMANDS, command["code"], value, seconds, quiet=True)


async def test_what_leads_to_nothing_is_answered_as_soon_as_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    desk = Desk()
    desk.quietly = True

    async def of(_: object, seconds: float) -> tuple[()]:
        waits.append(seconds)
        return ()

    monkeypatch.setattr(desk.decisions, "of", of)
    decision = await to_codes(desk, WITHDRAW)
    assert (decision.pending, decision.replayed, decision.events, len(waits)) == (False, False, (), 1)
    assert (await to_codes(desk, WITHDRAW)).replayed
    with pytest.raises(Problem) as raised:
        await to_codes(desk, WITHDRAW | {"reason": "another"})
    assert (raised.value.code, len(desk.sent)) == ("id_conflict", 1)


async def test_a_dead_letter_of_a_code_is_told() -> None:
    desk = Desk()
    desk.leads_to = [(DEAD_LETTERS, {"reason": "invalid_value", "detail": "no such code was issued"})]
    with pytest.raises(Problem, match="no such code") as raised:
        await to_codes(desk, WITHDRAW)
    assert int(raised.value.status) == 422


async def test_what_is_known_can_be_asked_for_without_sending_it() -> None:
    desk = Desk()
    value = msgspec.json.encode(PAUSE)
    assert not await desk.issuer.is_known(PLAN_COMMANDS, "acme", value)
    desk.quietly = True
    await desk.issuer.issue_to(PLAN_COMMANDS, "acme", value, 5, quiet=True)
    assert await desk.issuer.is_known(PLAN_COMMANDS, "acme", value)
    with pytest.raises(Problem) as raised:
        await desk.issuer.is_known(PLAN_COMMANDS, "acme", b"{}")
    assert (raised.value.code, len(desk.sent)) == ("unknown_type", 1)


async def test_every_wait_is_counted_by_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    await desk.issuer.issue(PAUSE, 0)
    desk.quietly = True
    await to_codes(desk, WITHDRAW)
    await to_codes(desk, WITHDRAW)
    desk.known["codes"] = b"another."
    with pytest.raises(Problem):
        await to_codes(desk, WITHDRAW)
    assert desk.counts.decisions == {"applied": 1, "replayed": 1, "refused": 1, "pending": 1, "failed": 0}
    monkeypatch.setattr(desk.counts, "waiting", API_WAITING_MAX)
    assert await refusal(desk, PAUSE) == (503, "unavailable")
    assert desk.counts.waiting == API_WAITING_MAX
