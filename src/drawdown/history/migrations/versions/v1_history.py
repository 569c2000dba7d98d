"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "progress",
        sa.Column("topic", sa.String(128), nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.Column("appended", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name="pk_progress"),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("whole", sa.Boolean, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("plans_charges", "plans_events", "wallet_charges", "wallet_events")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "resources",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("account_id", sa.BigInteger, nullable=False),
        sa.Column("service", sa.String(128), nullable=False),
        sa.Column("resource", sa.String(128), nullable=False),
        sa.Column("dimensions", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_resources"),
        sa.UniqueConstraint("account_id", "resource", "service", "dimensions", name="uq_resources_account_id"),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("resource_id", sa.BigInteger, nullable=False),
        sa.Column("meter", sa.String(40), nullable=False),
        sa.Column("payer", sa.String(40), nullable=False),
        sa.Column("payer_id", sa.String(256), nullable=False),
        sa.Column("book", sa.String(128), nullable=False),
        sa.Column("book_version", sa.BigInteger, nullable=False),
        sa.Column("tier", sa.Integer, nullable=False),
        sa.Column("unit_price", sa.String(40), nullable=False),
        sa.Column("per", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint(
            *("resource_id", "meter", "payer", "payer_id", "book", "book_version", "tier", "unit_price", "per"),
            name="uq_series_resource_id",
        ),
    )
    _facts()


def _facts() -> None:
    op.create_table(
        "hours",
        *(
            sa.Column(name, kind, nullable=False)
            for name, kind in (
                ("account_id", sa.BigInteger),
                ("charged_hour", sa.Integer),
                ("series_id", sa.BigInteger),
                ("used_hour", sa.Integer),
                ("lines", sa.BigInteger),
                ("quanta", sa.BigInteger),
                ("millionths", sa.BigInteger),
                ("amount", sa.BigInteger),
            )
        ),
        sa.PrimaryKeyConstraint("account_id", "charged_hour", "series_id", "used_hour", name="pk_hours"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "places",
        sa.Column("account_id", sa.BigInteger, nullable=False),
        sa.Column("charged_hour", sa.Integer, nullable=False),
        sa.Column("resource_id", sa.BigInteger, nullable=False),
        sa.Column("first_offset", sa.BigInteger, nullable=False),
        sa.Column("offsets", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "charged_hour", "resource_id", "first_offset", name="pk_places"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("account_id", sa.BigInteger, nullable=False),
        sa.Column("ledger", sa.String(40), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("appended", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("plan", sa.String(128)),
        sa.Column("credit", sa.String(256)),
        sa.Column("code", sa.String(40)),
        sa.Column("reason", sa.Text),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("command", sa.String(256)),
        sa.Column("about", sa.Text),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("balance", sa.String(40), nullable=False),
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("account_id", "ledger", "seq", name="uq_events_account_id"),
    )
    op.create_index("ix_events_account_id", "events", ["account_id", "appended", "id"])


def downgrade() -> None:
    """Drop them; they are built again from the log."""
    for name in ("events", "places", "hours", "series", "resources", "accounts", "progress"):
        op.drop_table(name)
