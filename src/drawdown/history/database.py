"""The history's database: SQLite in a file with a write-ahead log, or PostgreSQL. Whoever writes runs migrations."""

import sqlite3
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from drawdown.domain.limits import HISTORY_BUSY_SECONDS, HISTORY_READERS_MAX, HISTORY_STATEMENT_SECONDS
from drawdown.errors import BadInput, UserError
from drawdown.history.tables import metadata

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
_DRIVERS: Final = {SQLITE: "sqlite+pysqlite", POSTGRESQL: "postgresql+psycopg"}
_MS: Final = 1_000
_FORM: Final = "setting history (DRAWDOWN_HISTORY) is sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
_LOCK: Final = 7_236_812_455  # of PostgreSQL, while tables are made


def open_database(address: SecretStr, *, writing: bool) -> Engine:
    """Give an engine, connected to nothing yet. Raise BadInput for an address of no known kind.

    writing: each transaction takes SQLite's write lock at its beginning. Otherwise transactions see one state
    throughout, and change nothing.
    """
    try:
        url = make_url(address.get_secret_value())
        kind = url.get_backend_name()
        url = url.set(drivername=_DRIVERS[kind])
    except (ArgumentError, NoSuchModuleError, KeyError, ValueError):  # of a port; it may quote what is a password
        raise BadInput(_FORM) from None
    if kind == SQLITE:
        if url.database in {None, "", ":memory:"}:
            raise BadInput(_FORM)  # each connection would have a database of its own
        engine = create_engine(url, connect_args={"timeout": HISTORY_BUSY_SECONDS})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "connect", _prepare_writing if writing else _forbid_writing)
        event.listen(engine, "begin", _begin_writing if writing else _begin_reading)
        return engine
    options = f"-c statement_timeout={HISTORY_STATEMENT_SECONDS * _MS} -c timezone=UTC"
    if not writing:
        options += " -c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"
    connect = {"options": options, "connect_timeout": HISTORY_BUSY_SECONDS, "application_name": "drawdown"}
    return create_engine(url, connect_args=connect, pool_size=HISTORY_READERS_MAX, max_overflow=0, pool_pre_ping=True)


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # BEGIN is ours to say
    connection.execute("PRAGMA cache_size=-65536")


def _prepare_writing(connection: sqlite3.Connection, _: object) -> None:
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError:  # another makes the file just now; this does not wait for it, but a write does
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")  # a power cut may undo the newest writes, and their positions


def _forbid_writing(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def migrate(engine: Engine) -> None:
    """Bring the tables to this release's form. Raise UserError when a newer release made them, or none can be made."""
    _make_folder(engine)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == POSTGRESQL:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            found = _revision(connection)
            if found is not None and found not in _revisions():
                raise UserError(f"the history's tables are of revision {found}, made by a newer release of Drawdown")
            command.upgrade(_config(connection), "head")
    except SQLAlchemyError as error:
        raise UserError(f"the history's tables cannot be made (setting history): {told(error)}") from error


def check_migrated(engine: Engine) -> None:
    """Raise UserError unless the tables are there in this release's form."""
    try:
        if engine.dialect.name == SQLITE and not _file_of(engine).is_file():
            raise UserError(f"there is no history yet at {engine.url.database}; `drawdown history` makes it")
        with engine.connect() as connection:
            found = _revision(connection)
    except SQLAlchemyError as error:
        raise UserError(f"the history's database does not answer: {told(error)}") from error
    if found != _revisions()[0]:
        raise UserError(
            f"the history's tables are of revision {found}, this release needs {_revisions()[0]}; `drawdown history`"
            " of this release brings them there"
        )


def drop(engine: Engine) -> None:
    """Remove all tables. Raise UserError."""
    try:
        with engine.begin() as connection:
            metadata.drop_all(connection)
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    except SQLAlchemyError as error:
        raise UserError(f"the history's tables cannot be removed: {told(error)}") from error


def told(error: SQLAlchemyError) -> str:
    """Give the first line of what a database said: never its address, which may hold a password."""
    said = getattr(error, "orig", None) or error
    return next(iter(str(said).strip().splitlines()), type(said).__name__)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _revisions() -> list[str]:
    """List all revisions of this release, the newest first."""
    return [step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()]


def _file_of(engine: Engine) -> Path:
    return Path(engine.url.database or "")


def _make_folder(engine: Engine) -> None:
    if engine.dialect.name == SQLITE:
        try:
            _file_of(engine).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"the history's folder cannot be made: {error}") from error
