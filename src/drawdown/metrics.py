"""Every metric of a worker and of the API, declared once.

No label ever carries an account or an event id, and every set is closed; that of routes is the API's.

Amounts are counted as integers of their currency's quantum (see domain/money.py) and told to Prometheus in whole units
of the currency, as its floats: exact to the quantum up to 2^53 quanta (9 million USD, 9 billion VND), and to 16 digits
past that. `/counts` tells the integers' own decimals.
"""

import enum
from typing import Final

import msgspec

from drawdown.domain.catalogue import SERVICES
from drawdown.domain.errors import REASONS
from drawdown.domain.money import CURRENCIES
from drawdown.engine.counts import OUTCOMES, SHARD_STATES, STAGES
from drawdown.engine.errors import DOUBTS, PARTS
from drawdown.topics import CODE_COMMANDS, CREDIT_CHARGING, PLAN_COMMANDS, USAGE, WALLET_COMMANDS

COMMANDS, UNKNOWN = "commands", "unknown"
SERVICE_OF_TOPIC: Final = {
    **{topic: topic.removeprefix("usage.") for topic in USAGE},
    PLAN_COMMANDS: COMMANDS,
    WALLET_COMMANDS: COMMANDS,
    CODE_COMMANDS: COMMANDS,
    CREDIT_CHARGING: UNKNOWN,
}

# what labels may say; those of `ledger`, `topic` and `partition` follow from the worker's settings
LABELS: Final[dict[str, tuple[str, ...]]] = {
    "service": (*SERVICES, COMMANDS, UNKNOWN),
    "outcome": OUTCOMES,
    "reason": tuple(sorted(REASONS)),
    "payer": ("plan", "on_demand", "voucher", "top_up", "debt"),
    "currency": tuple(CURRENCIES),
    "stage": STAGES,
    "end": ("committed", "aborted", "fenced"),
    "way": ("catch_up", "rebuild"),
    "kind": DOUBTS,
    "state": SHARD_STATES,
    "part": PARTS,
    "method": ("GET", "HEAD", "POST", "PUT", "OPTIONS", "other"),
    "status": ("1xx", "2xx", "3xx", "4xx", "5xx", "none"),  # none: the caller was gone before it was answered
    "decision": ("applied", "replayed", "refused", "pending", "failed"),
}


class Kind(enum.Enum):
    """What a metric is to Prometheus."""

    COUNTER = enum.auto()
    GAUGE = enum.auto()
    HISTOGRAM = enum.auto()
    INFO = enum.auto()


class Metric(msgspec.Struct, frozen=True):
    """A metric's declaration. name: as Prometheus shows it, but for the suffixes of histograms."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """Name its series as queries write them."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(self.name + suffix for suffix in ("_bucket", "_count", "_sum"))
        return (self.name,)


EVENTS = Metric(
    "drawdown_events_total",
    Kind.COUNTER,
    "Inputs committed: rated, duplicate, refused, forwarded to their own partition, or dropped (nothing was due)",
    ("ledger", "service", "outcome"),
)
REJECTS = Metric("drawdown_rejects_total", Kind.COUNTER, "Dead letters committed", ("ledger", "reason"))
AMOUNT = Metric(
    "drawdown_amount_total",
    Kind.COUNTER,
    "Rated, in units of the currency; on_demand is what no plan paid, which voucher, top_up and debt then pay",
    ("service", "payer", "currency"),
)
BATCH = Metric("drawdown_batch_records", Kind.HISTOGRAM, "Records of a transaction's take", ("ledger",))
STAGE = Metric(
    "drawdown_stage_seconds",
    Kind.HISTOGRAM,
    "Time of a take by stage; fetch is the fetch that brought records, and is shared by the ledgers",
    ("ledger", "stage"),
)
AGE = Metric(
    "drawdown_event_age_seconds", Kind.HISTOGRAM, "From an input's append to the commit that took it", ("ledger",)
)
TRANSACTIONS = Metric("drawdown_transactions_total", Kind.COUNTER, "Transactions by how they ended", ("ledger", "end"))
TRANSACTION = Metric("drawdown_transaction_seconds", Kind.HISTOGRAM, "Time of a committed transaction", ("ledger",))
LAST_COMMIT = Metric(
    "drawdown_last_commit_timestamp_seconds", Kind.GAUGE, "Newest commit of this worker; 0: none yet", ("ledger",)
)
LAG_RECORDS = Metric(
    "drawdown_lag_records", Kind.GAUGE, "Records of an input not committed yet", ("ledger", "topic", "partition")
)
LAG_SECONDS = Metric(
    "drawdown_lag_seconds",
    Kind.GAUGE,
    "Since the append of the oldest record not committed; at least so long where it was not fetched yet",
    ("ledger", "topic", "partition"),
)
SHARDS = Metric("drawdown_shards", Kind.GAUGE, "Shards assigned to this worker", ("ledger", "state"))
DOUBTS_NOTICED = Metric(
    "drawdown_doubts_total", Kind.COUNTER, "Doubts about what Redis or Kafka holds; each led to a recovery",
    ("ledger", "kind"),
)  # fmt: skip
RECOVERIES = Metric(
    "drawdown_recoveries_total", Kind.COUNTER, "Recoveries in which Redis was behind the log", ("ledger", "way")
)
ERRORS = Metric("drawdown_errors_total", Kind.COUNTER, "Calls that failed and are tried again", ("ledger", "part"))
TIMERS = Metric("drawdown_timers_sent_total", Kind.COUNTER, "Timers put on the log", ("ledger",))
STALE = Metric("drawdown_stale_batches_total", Kind.COUNTER, "Fetches dropped: their shard had moved on", ("ledger",))
SCRUBS = Metric(
    "drawdown_scrubs_total", Kind.COUNTER, "Sweeps of a whole shard in which Redis was as the log says", ("ledger",)
)
SCRUBBED = Metric("drawdown_scrub_records_total", Kind.COUNTER, "States and ids compared with the log", ("ledger",))
SCRUB_DIFFERENCES = Metric(
    "drawdown_scrub_differences_total", Kind.COUNTER, "Shards found to differ from the log, and rebuilt", ("ledger",)
)
PRICES_AGE = Metric("drawdown_prices_age_seconds", Kind.GAUGE, "Since the prices were last read to their end")
REDIS_UP = Metric("drawdown_redis_up", Kind.GAUGE, "1 if Redis answered when it was last asked")
REDIS_MEMORY = Metric("drawdown_redis_memory_bytes", Kind.GAUGE, "Memory that Redis uses")
REDIS_LIMIT = Metric(
    "drawdown_redis_memory_limit_bytes", Kind.GAUGE, "Redis's maxmemory; the machine's memory if it has none"
)
REDIS_POLICY = Metric("drawdown_redis_noeviction", Kind.GAUGE, "1 if Redis never evicts keys, as it must not")
BUILD = Metric("drawdown_build_info", Kind.INFO, "The worker's release", ("version", "python"))

METRICS: Final = (
    EVENTS, REJECTS, AMOUNT, BATCH, STAGE, AGE, TRANSACTIONS, TRANSACTION, LAST_COMMIT, LAG_RECORDS, LAG_SECONDS,
    SHARDS, DOUBTS_NOTICED, RECOVERIES, ERRORS, TIMERS, STALE, SCRUBS, SCRUBBED, SCRUB_DIFFERENCES, PRICES_AGE,
    REDIS_UP, REDIS_MEMORY, REDIS_LIMIT, REDIS_POLICY, BUILD,
)  # fmt: skip

# of `drawdown history`
HISTORY_RECORDS = Metric("drawdown_history_records_total", Kind.COUNTER, "Records brought into the history", ("topic",))
HISTORY_TRANSACTIONS = Metric(
    "drawdown_history_transactions_total", Kind.COUNTER, "Transactions of the history's database"
)
HISTORY_FAILURES = Metric(
    "drawdown_history_failures_total", Kind.COUNTER, "Times that the history stood still until it tried again"
)
HISTORY_LAG = Metric(
    "drawdown_history_lag_offsets", Kind.GAUGE, "Offsets that the history is behind the log", ("topic", "partition")
)
HISTORY_METRICS: Final = (HISTORY_RECORDS, HISTORY_TRANSACTIONS, HISTORY_FAILURES, HISTORY_LAG)

# of `drawdown api`
API_REQUESTS = Metric(
    "drawdown_api_requests_total",
    Kind.COUNTER,
    "Requests answered, by the template of their route (none: there is no such path) and class of status",
    ("route", "method", "status"),
)
API_REQUEST = Metric("drawdown_api_request_seconds", Kind.HISTOGRAM, "Time of a request", ("route",))
API_DECISIONS = Metric(
    "drawdown_api_decisions_total",
    Kind.COUNTER,
    "Writes that waited for a decision: applied, replayed (known before), refused, pending (not in time), failed",
    ("decision",),
)
API_WAITING = Metric("drawdown_api_decisions_waiting", Kind.GAUGE, "Writes that wait for a decision now")

API_METRICS: Final = (API_REQUESTS, API_REQUEST, API_DECISIONS, API_WAITING)  # and BUILD


def service_label(counted: str) -> str:
    """Give the label of what the engine counted under a service or, where it knew none, under a topic."""
    if counted in SERVICES:
        return counted
    return SERVICE_OF_TOPIC.get(counted, UNKNOWN)
