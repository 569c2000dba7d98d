"""Input that must end among the dead letters, every reason at least once; two replayed; late and misplaced input."""

from collections.abc import Iterator

import msgspec

from drawdown.demo.books import name_of
from drawdown.demo.scenario import DAY, HOUR, MINUTE, command
from drawdown.domain.limits import EVENT_BYTES_MAX, JOBS_MAX
from drawdown.topics import PLAN_COMMANDS
from drawdown.traces.events import Outgoing, event
from drawdown.wire.instants import format_instant
from drawdown.wire.replay import encode_replay

ACCOUNT = "acc-trouble"
PLANS_ACCOUNT = "acc-plans"
JOBS_ACCOUNT = "acc-jobs"
_encode = msgspec.json.Encoder().encode
_TOPIC = "usage.inference"


def preparation(now: int) -> Iterator[Outgoing]:
    """Open the accounts that the broken input belongs to; one with so many plans that a day falls into 256 pieces."""
    for account in (ACCOUNT, PLANS_ACCOUNT, JOBS_ACCOUNT):
        yield command(account, f"open-{account}", "open_account", now, currency="USD", time_zone="UTC")
    for number in range(64):
        yield command(
            PLANS_ACCOUNT,
            f"plan-{number}",
            "activate_plan",
            now,
            plan=f"p-{number}",
            currency="USD",
            book=name_of("plan", "USD"),
            book_version=1,
            amount="1.00",
            start=format_instant(now - 23 * HOUR + number * MINUTE),
            end=format_instant(now - 2 * HOUR + number * MINUTE),
        )
    yield command("acc-nowhere", "open-nowhere", "open_account", now, currency="XXX")  # wrong_currency


def late(now: int) -> Iterator[Outgoing]:
    """Give usage from hours ago, still inside its window."""
    for number in range(20):
        yield _call(f"late-{number}", now - 5 * HOUR - number * MINUTE)


def misplaced(shards: int, now: int) -> Iterator[Outgoing]:
    """Give usage on every partition but, once, its own: a publisher with another partitioner."""
    for number in range(shards):
        yield msgspec.structs.replace(_call(f"misplaced-{number}", now - MINUTE), partition=number)


def broken(now: int) -> Iterator[Outgoing]:
    """Give one record and more for every reason."""
    good = _message("good", now)
    yield _raw(b"\xff\xfe\x00 not text")  # not_utf8
    yield _raw(b'{"specversion": "1.0", ')  # not_json
    yield _raw(_encode(good | {"padding": "x" * EVENT_BYTES_MAX}))  # too_large
    yield _raw(_encode(good | {"padding": "x" * 300_000}))  # too_large, kept as a digest and a pointer
    yield _raw(b'{"a":' * 40 + b"1" + b"}" * 40)  # too_deep
    yield _with("wrong-type", now, input_tokens="many")
    yield _with("bool", now, input_tokens=True)
    yield _raw(_encode(_message("nan", now)).replace(b'"output_tokens":2', b'"output_tokens":NaN'))
    yield _raw(_encode(_message("huge", now)).replace(b'"output_tokens":2', b'"output_tokens":1e400'))
    yield _raw(_encode({key: value for key, value in good.items() if key != "source"}))  # missing_field
    yield _raw(_encode(good | {"time": "yesterday"}))  # invalid_value
    yield _raw(_encode(good | {"type": "com.example.other"}))  # unknown_type
    yield _raw(_encode(good | {"type": "ai.drawdown.usage.inference.v9"}))  # unknown_version
    yield _raw(_encode(good | {"type": "ai.drawdown.usage.notebook.v1"}))  # unknown_service
    yield Outgoing(_TOPIC, None, _encode(_message("no-key", now)), now)  # missing_key
    yield _call("too-late", now - 7 * HOUR)
    yield _call("in-the-future", now + HOUR)
    yield _call("conflict", now)
    yield _with("conflict", now, input_tokens=77)  # id_conflict
    yield _call("nobody", now, account="acc-unknown")  # unknown_account
    yield _with("meter", now, dreamed_tokens=3)  # unknown_meter
    yield _with("model", now, model="Unpriced-1B")  # unknown_price
    yield _with("negative", now, input_tokens=-1)  # negative_quantity
    yield _with("amount", now, images=900_000_000_000)  # amount_too_large
    yield from _closed_job(now)
    yield from _too_many(now)


def repaired(now: int) -> Iterator[Outgoing]:
    """Replay two of the refused: one with its tokens repaired, one as it was, for no time is too late for a replay."""
    for ident, end in (("wrong-type", now), ("too-late", now - 7 * HOUR)):
        event = _encode(_message(ident, end))
        value = encode_replay(
            f"replay-{ident}", ACCOUNT, _TOPIC, event, (), letter=None, operator="demo", reason="demonstration"
        )
        yield Outgoing(PLAN_COMMANDS, ACCOUNT.encode(), value, now)


def _closed_job(now: int) -> Iterator[Outgoing]:
    for ident, minutes, final in (("ended", 20, True), ("after-its-end", 10, False)):
        yield _tuning(ACCOUNT, ident, "ft-closed", now - minutes * MINUTE, final=final)


def _too_many(now: int) -> Iterator[Outgoing]:
    """Give a day that 64 plans cut into too many pieces, and more open jobs than an account may have."""
    data: dict[str, object] = {
        "container": "c-plans",
        "gpu_model": "H100",
        "gpu_count": 1,
        "state": "running",
        "storage_gb": 10,
        "from": format_instant(now - DAY),
        "to": format_instant(now),
    }
    message = event("gpu-container", "/demo", "a-day", PLANS_ACCOUNT, now, data)
    yield Outgoing("usage.gpu-container", PLANS_ACCOUNT.encode(), _encode(message), now)
    for number in range(JOBS_MAX + 1):
        yield _tuning(JOBS_ACCOUNT, f"job-{number}", f"ft-{number}", now - MINUTE, final=False)


def _tuning(account: str, ident: str, job: str, end: int, *, final: bool) -> Outgoing:
    data: dict[str, object] = {
        "job": job,
        "model": "Llama-3.1-8B",
        "gpu_model": "A30",
        "gpu_count": "0.1",
        "from": format_instant(end - MINUTE),
        "to": format_instant(end),
        "final": final,
    }
    message = event("fine-tuning", "/demo", ident, account, end, data)
    return Outgoing("usage.fine-tuning", account.encode(), _encode(message), end)


def _message(ident: str, end: int, account: str = ACCOUNT, data: dict[str, object] | None = None) -> dict[str, object]:
    told: dict[str, object] = {"endpoint": "e", "model": "Qwen3-32B", "input_tokens": 1_000, "output_tokens": 2}
    return event("inference", "/demo", ident, account, end, told | (data or {}))


def _call(ident: str, end: int, account: str = ACCOUNT) -> Outgoing:
    return Outgoing(_TOPIC, account.encode(), _encode(_message(ident, end, account)), end)


def _with(ident: str, end: int, **data: object) -> Outgoing:
    return Outgoing(_TOPIC, ACCOUNT.encode(), _encode(_message(ident, end, data=data)), end)


def _raw(value: bytes) -> Outgoing:
    return Outgoing(_TOPIC, ACCOUNT.encode(), value, 0)
