"""Records that the wallet reads: its commands as people write them, and overages as the plans ledger writes them."""

from tests.support.messages import ACCOUNT, DAY, T0, Message, inference, open_account, timer, written

from drawdown.domain.policy import Policy
from drawdown.engine.records import Record
from drawdown.ledgers.wallet import WalletLedger
from drawdown.topics import CREDIT_CHARGING, WALLET_COMMANDS
from drawdown.wire.instants import format_instant

EXPIRES = T0 + 30 * DAY
TOPICS = (WALLET_COMMANDS, CREDIT_CHARGING)
PRODUCT = {"service": "inference", "dimensions": {"model": "Q"}}
SPLIT = [
    PRODUCT | {"amount": "1"},
    {"service": "gpu-container", "amount": "10"},
    {"others": True, "amount": "70"},
]


def ledger() -> WalletLedger:
    return WalletLedger(Policy.default())


def _command(name: str, account: str, ident: str, change: Message, **told: object) -> Message:
    head = {"command": name, "version": 1, "id": ident, "account": account, "currency": "USD"}
    return head | told | change


def grant_voucher(voucher: str = "v", account: str = ACCOUNT, *, ident: str | None = None, **change: object) -> Message:
    """A voucher over all services. change: a split takes the place of the amount."""
    told: Message = {"voucher": voucher, "expires": format_instant(EXPIRES)}
    if "split" not in change:
        told["amount"] = "10"
    return _command("grant_voucher", account, ident or f"grant-{voucher}", change, **told)


def top_up(reference: str = "t", account: str = ACCOUNT, *, ident: str | None = None, **change: object) -> Message:
    return _command("top_up", account, ident or f"top-up-{reference}", change, reference=reference, amount="25")


def adjust(adjustment: str = "a", account: str = ACCOUNT, *, ident: str | None = None, **change: object) -> Message:
    told = {"adjustment": adjustment, "amount": "1", "reason": "goodwill", "operator": "ops-1"}
    return _command("adjust", account, ident or f"adjust-{adjustment}", change, **told)


def debt_limit(account: str = ACCOUNT, *, ident: str = "limit", **change: object) -> Message:
    return _command("set_debt_limit", account, ident, change, reason="goodwill", operator="ops-1")


def overage(seq: int = 1, total: str = "1", account: str = ACCOUNT, **change: object) -> Message:
    """An overage. change: its own fields, and those of its event: time (ms), service, dimensions."""
    usage = inference(account=account)
    event = {"source": usage["source"], "id": f"e-{seq}", "service": "inference", "resource": "ep"}
    event |= {"dimensions": {"model": "Q"}, "time": format_instant(T0), "start": None}
    event |= {name: change.pop(name) for name in tuple(change) if name in event}
    if isinstance(event["time"], int):
        event["time"] = format_instant(event["time"])
    message = {
        "version": 1,
        "id": f"o-{seq}",
        "ledger": "plans",
        "account": account,
        "currency": "USD",
        "event": event,
        "lines": [],
        "total": total,
        "seq": seq,
        "applied": seq,
        "position": {"topic": "usage.inference", "partition": 3, "offset": seq},
        "appended": format_instant(T0),
        "rules": 1,
    }
    return message | change


GOOD_COMMANDS = (
    open_account(),
    grant_voucher(scope=[PRODUCT], priority=1),
    grant_voucher(split=SPLIT),
    top_up(),
    adjust(amount="-12.5"),
    adjust(kind="write_off"),
    debt_limit(limit="50"),
    debt_limit(limit=None),
    timer(T0),
)
GOOD_OVERAGES = (overage(), overage(2, "0.000000001", service="fine-tuning", start=format_instant(T0 - DAY)))


def record(message: Message, at: int = T0, offset: int = 7) -> Record:
    """A command or an overage, appended at `at`."""
    topic = WALLET_COMMANDS if "command" in message else CREDIT_CHARGING
    key = str(message["account"]).encode("utf-8", "surrogatepass")
    return Record(topic, 3, offset, at, key, written(message))
