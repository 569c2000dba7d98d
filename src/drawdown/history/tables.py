"""The history's tables. Amounts are quanta of the account's currency, instants ms and hours h since 1970 UTC.

A row of `hours` is what one series of a resource came to: the same meter, price and payer. Ids are given by the
writer, counting on from the largest.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from drawdown.domain.limits import ID_LENGTH_MAX, NAME_LENGTH_MAX

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s",
    }
)
_NAME: Final = String(NAME_LENGTH_MAX)
_IDENT: Final = String(ID_LENGTH_MAX)
_WORD: Final = String(40)

# How far the log is read, as of the same transaction as everything below.
progress: Final = Table(
    "progress",
    metadata,
    Column("topic", _NAME, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("appended", BigInteger, nullable=False),  # of the newest record, or 0
)

# seq: the newest number of each ledger and topic; whole: nothing from before its first record is missing.
accounts: Final = Table(
    "accounts",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", _NAME, nullable=False, unique=True),
    Column("currency", String(3), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("plans_charges", BigInteger, nullable=False),
    Column("plans_events", BigInteger, nullable=False),
    Column("wallet_charges", BigInteger, nullable=False),
    Column("wallet_events", BigInteger, nullable=False),
)

resources: Final = Table(
    "resources",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", BigInteger, nullable=False),
    Column("service", _NAME, nullable=False),
    Column("resource", _NAME, nullable=False),
    Column("dimensions", Text, nullable=False),  # JSON, names in order
    UniqueConstraint("account_id", "resource", "service", "dimensions"),
)

# payer: plan, voucher, top_up, debt, or none; payer_id: "" where it has none. A charge whose overage is no longer on
# the log has no meter and no price.
series: Final = Table(
    "series",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("resource_id", BigInteger, nullable=False),
    Column("meter", _WORD, nullable=False),
    Column("payer", _WORD, nullable=False),
    Column("payer_id", _IDENT, nullable=False),
    Column("book", _NAME, nullable=False),
    Column("book_version", BigInteger, nullable=False),
    Column("tier", Integer, nullable=False),  # 0: the price has none
    Column("unit_price", String(40), nullable=False),  # a decimal, per `per` of the meter's quanta
    Column("per", BigInteger, nullable=False),
    UniqueConstraint("resource_id", "meter", "payer", "payer_id", "book", "book_version", "tier", "unit_price", "per"),
)

# charged_hour: of the append of what was charged; used_hour: of the beginning of the usage.
hours: Final = Table(
    "hours",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("charged_hour", Integer, primary_key=True, autoincrement=False),
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("used_hour", Integer, primary_key=True, autoincrement=False),
    Column("lines", BigInteger, nullable=False),
    Column("quanta", BigInteger, nullable=False),  # the quantity's whole quanta,
    Column("millionths", BigInteger, nullable=False),  # and the sum of what was beyond them
    Column("amount", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Where the charges of a resource and an hour stand in the account's partition of `charges`.
places: Final = Table(
    "places",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("charged_hour", Integer, primary_key=True, autoincrement=False),
    Column("resource_id", BigInteger, primary_key=True, autoincrement=False),
    Column("first_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("offsets", LargeBinary, nullable=False),  # msgpack: how far each stands from the one before it
    sqlite_with_rowid=False,
)

# balance: which kind of balance an event changed, "" for none; change: by how much; status: success, failed, processed.
events: Final = Table(
    "events",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", BigInteger, nullable=False),
    Column("ledger", _WORD, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("appended", BigInteger, nullable=False),
    Column("kind", _WORD, nullable=False),
    Column("plan", _NAME),
    Column("credit", _IDENT),
    Column("code", _WORD),
    Column("reason", Text),
    Column("amount", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    Column("command", _IDENT),
    Column("about", Text),  # JSON
    Column("offset", BigInteger, nullable=False),
    Column("balance", _WORD, nullable=False),
    Column("change", BigInteger, nullable=False),
    Column("status", _WORD, nullable=False),
    UniqueConstraint("account_id", "ledger", "seq"),
    Index("ix_events_account_id", "account_id", "appended", "id"),
)
