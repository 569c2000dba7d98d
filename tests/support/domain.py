"""Short ways to say prices, plans and usage in tests of the rules."""

from msgspec.structs import replace

from drawdown.domain.commands import ActivatePlan, OpenAccount, TimerFired
from drawdown.domain.decide import decide
from drawdown.domain.model import Account, Plan, Quota, ScopeItem, Usage
from drawdown.domain.money import CURRENCIES, parse_amount
from drawdown.domain.outputs import AccountEvent, Decision
from drawdown.domain.policy import Policy
from drawdown.domain.prices import ON_DEMAND, PLAN, Book, Price, Prices
from drawdown.domain.rated import Charge, Overage
from drawdown.domain.usage import container_measures, fine_tuning_measures, inference_measures

SECOND = 1_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
USD = CURRENCIES["USD"]
POLICY = Policy.default()


def usd(text: str) -> int:
    return parse_amount(text, USD)


def book(name: str, token: str = "1", gpu: str = "3.6", *, version: int = 1, since: int = 0, kind: str = PLAN) -> Book:
    """A book: `token` a million input tokens, `gpu` an hour of an H100, storage at 0.36 a GB-hour."""
    prices = (
        Price("inference", "input_tokens", (), usd(token), 1_000_000),
        Price("inference", "output_tokens", (), usd(token), 1_000_000),
        Price("gpu-container", "gpu_seconds", (("gpu_model", "H100"),), usd(gpu), 3_600),
        Price("gpu-container", "storage_gb_seconds", (), usd("0.36"), 3_600),
        Price("fine-tuning", "gpu_seconds", (("gpu_model", "H100"),), usd(gpu), 3_600),
    )
    return Book(name, version, kind, "USD", since, prices)


def prices(*more: Book, demand_token: str = "2") -> Prices:
    made = Prices()
    made.add(book("on-demand-usd", demand_token, "7.2", kind=ON_DEMAND), 0)
    made.add(book("plan-usd"), 0)
    for entry in more:
        made.add(entry, 0)
    return made


def tokens(count: int, at: int = T0, **change: object) -> Usage:
    usage = Usage(
        "acc", "/inference", f"e{at}-{count}", "inference", "ep", (("model", "Q"),), at, None,
        inference_measures((count, 0, 0, 0, 0, 0)),
    )  # fmt: skip
    return replace(usage, **change)


def container(start: int, end: int, gpus: int = 1000, storage: int = 0, model: str = "H100") -> Usage:
    measures = container_measures(start, end, gpus, storage, running=True)
    dimensions = (("gpu_model", model),)
    return Usage("acc", "/gpu", f"c{start}-{end}", "gpu-container", "c-1", dimensions, end, start, measures)


def tuning(start: int, end: int, *, final: bool = False, gpus: int = 1000, job: str = "ft") -> Usage:
    measures = fine_tuning_measures(start, end, gpus)
    dimensions = (("gpu_model", "H100"), ("model", "L"))
    ident = f"f{start}-{end}"
    return Usage("acc", "/ft", ident, "fine-tuning", job, dimensions, end, start, measures, gpus, job, final)


def item(service: str, **dimensions: str) -> ScopeItem:
    return ScopeItem(service, tuple(sorted(dimensions.items())))


class World:
    """One account under test: applies inputs in order and keeps the newest state."""

    def __init__(self, known: Prices | None = None, time_zone: str = "UTC", policy: Policy = POLICY) -> None:
        self.prices = known or prices()
        self.policy = policy
        self.state: Account | None = None
        self.outputs: list[Charge | Overage | AccountEvent] = []
        self.now = T0
        self.apply(OpenAccount("acc", "USD", time_zone))

    def apply(self, body: object, at: int | None = None) -> Decision | None:
        appended = self.now if at is None else at
        decision = decide(self.state, body, appended, self.prices, self.policy)  # type: ignore[arg-type]
        if decision is not None:
            self.state = decision.state
            self.outputs = list(decision.outputs)
        return decision

    def activate(self, plan: str = "p", amount: str = "100", **change: object) -> None:
        command = ActivatePlan(
            "acc", plan, "USD", "plan-usd", 1, usd(amount), T0 - DAY, T0 + 30 * DAY, DAY, 100, (), ()
        )
        self.apply(replace(command, **change))

    def use(self, usage: Usage, at: int | None = None) -> tuple[Charge | None, Overage | None]:
        self.apply(usage, usage.time if at is None else at)
        charges = [output for output in self.outputs if isinstance(output, Charge)]
        overages = [output for output in self.outputs if isinstance(output, Overage)]
        return charges[0] if charges else None, overages[0] if overages else None

    def timer(self, at: int) -> Decision | None:
        return self.apply(TimerFired("acc", at), at)

    def plan(self, name: str = "p") -> Plan:
        assert self.state is not None
        return next(plan for plan in self.state.plans if plan.id == name)

    def events(self) -> list[AccountEvent]:
        return [output for output in self.outputs if isinstance(output, AccountEvent)]

    def kinds(self, *, notices: bool = False) -> list[tuple[str, str]]:
        """What happened; how much is used only if asked for."""
        told = [(event.kind, event.reason or event.code) for event in self.events()]
        return [pair for pair in told if notices or pair[0] not in {"amount_used", "quota_used"}]


def quota(service: str, amount: str, **dimensions: str) -> Quota:
    return Quota(item(service, **dimensions), usd(amount))


def paid_by(charge: Charge | None) -> list[tuple[str | None, int]]:
    return [] if charge is None else [(line.plan, line.amount) for line in charge.lines]
