"""What operators read: balances from Redis, charges from the log, lag from the engine's positions; all as JSON too."""

import json

from tests.support.commands import drawdown
from tests.support.load import ACCOUNTS, calls, conserved, now_ms, stage_on, started

from drawdown.local.stack import LocalStack
from drawdown.topics import CHARGES, CREDIT_CHARGING

PLANNED = ACCOUNTS[1]


async def test_balances_charges_and_lag(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await stage.publish(calls(0, 400, now_ms()))
        behind = await drawdown(stage, "lag", "--json")
        assert behind.json["records"] == 400 + 2 * len(ACCOUNTS) - len(ACCOUNTS) // 2
        assert behind.json["seconds"] > 0
        assert (await drawdown(stage, "lag", "--wait", "0.1")).code == 4
        await started(stage)
        await conserved(stage, 400)
        caught_up = await drawdown(stage, "lag", "--wait", "30", "--json")
        assert (caught_up.code, caught_up.json["records"]) == (0, 0)
        assert {one["ledger"] for one in caught_up.json["partitions"]} == {"plans", "wallet", "codes"}

        keys = await stage.redis.dbsize()
        account = (await drawdown(stage, "account", "show", PLANNED, "--json")).json
        assert await stage.redis.dbsize() == keys
        log = await stage.read()
        said = [json.loads(record.value or b"") for record in log[CHARGES] if record.key == PLANNED.encode()]
        balances = [balance["after"] for one in said for balance in one["balances"] if balance["kind"] == "plan"]
        (plan,) = account["plans"]
        assert (plan["remaining"], plan["scope"], plan["status"]) == (balances[-1], None, "Active")
        spent = {one["service"]: one["spent"] for one in plan["services"]}
        assert spent == {"gpu-container": "0.000000000", "fine-tuning": "0.000000000", "inference": plan["spent"]}
        assert "Services" in (await drawdown(stage, "account", "show", PLANNED)).out
        nobody = await drawdown(stage, "account", "show", "nobody")
        assert (nobody.code, "account nobody is not open" in nobody.err) == (1, True)

        shown = await drawdown(stage, "charges", "show", PLANNED, "--ledger", "plans", "--json")
        assert [one["seq"] for one in shown.json] == [one["seq"] for one in said if one["ledger"] == "plans"][-20:]
        event = said[0]["event"]["id"]
        whole = await drawdown(stage, "charges", "show", "--event", event, "--json")
        assert whole.json[0]["topic"] == CHARGES
        assert {one["event"]["id"] for one in whole.json} == {event}
        overage = json.loads(next(record.value for record in log[CREDIT_CHARGING] if record.value) or b"")
        found = await drawdown(stage, "charges", "show", "--event", overage["event"]["id"], "--json")
        assert overage["id"] in [one["id"] for one in found.json]
        assert (await drawdown(stage, "charges", "show", "--event", "none")).code == 1
        assert (await drawdown(stage, "charges", "show")).code == 2


async def test_charges_are_followed(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        await started(stage)
        await stage.publish(calls(0, 80, now_ms()))
        await conserved(stage, 80)
        lines = (await drawdown(stage, "charges", "tail", "--since", "1h", "--count", "5", "--json")).out.splitlines()
        assert [json.loads(line)["topic"] for line in lines] == [CHARGES] * 5
        tail = ("charges", "tail", "--since", "1h", "--count", "2", "--account", PLANNED, "--ledger", "plans")
        followed = await drawdown(stage, *tail)
        assert followed.out.count(f"  {PLANNED}  plans  ") == 2


async def test_price_books_are_checked_before_they_are_sent(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        books = (await drawdown(stage, "prices", "list", "--json")).json
        assert sorted(book["name"] for book in books) == ["on-demand-usd", "on-demand-vnd", "plan-usd", "plan-vnd"]
        book = {
            "name": "plan-usd",
            "version": 2,
            "kind": "plan",
            "currency": "USD",
            "effective_from": "2020-01-01T00:00:00Z",
            "prices": [],
        }
        soon = await drawdown(stage, "prices", "publish", "-", stdin=json.dumps(book).encode())
        assert (soon.code, "-:1: effective_from: version 2 of plan-usd would change the past" in soon.err) == (3, True)
        later = json.dumps(book | {"effective_from": "2199-01-01T00:00:00Z"}).encode()
        for fresh in (True, False):
            checked = await drawdown(stage, "prices", "check", "-", "--published", "--json", stdin=later)
            assert (checked.code, checked.json[0]["new"]) == (0, fresh)
            done = await drawdown(stage, "prices", "publish", "-", "--json", stdin=later)
            assert (done.code, done.json["published"]) == (0, fresh)
        assert (await drawdown(stage, "prices", "publish", "-", stdin=b"{}")).code == 2


async def test_a_book_that_is_shown_is_checked_and_published_again(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        assert (await drawdown(stage, "prices", "show", "on-demand-usd:1")).out.startswith("on-demand-usd:1, on_demand")
        shown = await drawdown(stage, "prices", "show", "on-demand-usd", "--yaml")
        again = await drawdown(stage, "prices", "publish", "-", stdin=shown.out.encode())
        assert (again.code, again.out) == (0, "on-demand-usd:1 was published before with the same terms\n")
        none = await drawdown(stage, "prices", "show", "on-demand-usd:2")
        assert (none.code, "no price book on-demand-usd:2 is published" in none.err) == (1, True)


async def test_what_cannot_be_reached_is_named(stack: LocalStack, prefix: str) -> None:
    async with stage_on(stack, prefix) as stage:
        kafka = await drawdown(stage, "lag", kafka="127.0.0.1:1")
        assert (kafka.code, "DRAWDOWN_KAFKA" in kafka.err or "Kafka" in kafka.err) == (1, True)
        redis = await drawdown(stage, "account", "show", PLANNED, redis="redis://127.0.0.1:1/0")
        assert (redis.code, "Redis cannot be used now" in redis.err) == (1, True)
        topic = await drawdown(stage, "dead-letters", "list", prefix=f"{prefix}none.")
        assert (topic.code, "create it with `drawdown topics create`" in topic.err) == (1, True)
        setting = await drawdown(stage, "lag", shards=0)
        assert (setting.code, "DRAWDOWN_SHARDS" in setting.err) == (2, True)
