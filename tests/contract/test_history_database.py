"""The history's tables in SQLite and PostgreSQL: made by migrations, read by readers that change nothing."""

import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Engine, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from tests.support.told import charge
from tests.support.written import Broken, Feed, dumped, statements

from drawdown.errors import BadInput, UserError
from drawdown.history import database
from drawdown.history.database import check_migrated, drop, migrate, open_database, told
from drawdown.history.tables import accounts, metadata, progress
from drawdown.settings import Settings

PASSWORD = "hunter2"


@pytest.fixture
def reader(address: SecretStr) -> Engine:
    return open_database(address, writing=False)


def names(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def test_migrations_make_exactly_the_tables_that_are_written(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    assert names(engine) == {*metadata.tables, "alembic_version"}


def test_tables_that_are_found_by_their_keys_are_kept_by_them_in_sqlite(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL keeps all rows in a heap")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        made = {row.name: row.sql for row in rows}
    for table in metadata.sorted_tables:
        assert ("WITHOUT ROWID" in made[table.name]) is not table.dialect_options["sqlite"]["with_rowid"], table.name


def test_migrating_again_changes_nothing(engine: Engine, reader: Engine) -> None:
    Feed(engine).write(charge(1))
    before = dumped(engine)
    migrate(engine)
    assert dumped(engine) == before
    check_migrated(reader)


def test_two_that_migrate_at_once_make_the_tables_once(address: SecretStr) -> None:
    barrier = Barrier(2)

    def work() -> None:
        engine = open_database(address, writing=True)
        barrier.wait(10)
        migrate(engine)
        engine.dispose()

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(work) for _ in range(2)]:
            future.result()
    check_migrated(open_database(address, writing=False))


def test_a_migration_that_fails_leaves_nothing(address: SecretStr) -> None:
    engine = open_database(address, writing=True)

    def fail(number: int) -> None:
        if number == 12:
            raise Broken

    with statements(engine, fail) as sent, pytest.raises(Broken):
        migrate(engine)
    assert [statement for statement in sent if "CREATE TABLE" in statement]
    assert names(engine) == set()
    migrate(engine)
    assert names(engine) == {*metadata.tables, "alembic_version"}


def test_tables_of_a_newer_release_are_refused(engine: Engine, reader: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '999'"))
    with pytest.raises(UserError, match="revision 999, made by a newer release"):
        migrate(engine)
    with pytest.raises(UserError, match="revision 999, this release needs"):
        check_migrated(reader)


def test_tables_can_be_taken_back_and_made_anew(engine: Engine, reader: Engine) -> None:
    Feed(engine).write(charge(1))
    with engine.begin() as connection:
        command.downgrade(database._config(connection), "base")
    assert names(engine) == {"alembic_version"}
    with pytest.raises(UserError, match="revision None"):
        check_migrated(reader)
    migrate(engine)
    assert dumped(engine) == {table.name: [] for table in metadata.sorted_tables}


def test_tables_are_dropped_and_made_anew(engine: Engine) -> None:
    Feed(engine).write(charge(1))
    drop(engine)
    assert names(engine) == set()
    drop(engine)
    migrate(engine)
    Feed(engine).write(charge(1))


def test_a_reader_of_no_history_says_so_and_makes_none(address: SecretStr, reader: Engine, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no history yet|revision None"):
        check_migrated(reader)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_file_is_made(tmp_path: Path) -> None:
    engine = open_database(SecretStr(f"sqlite:///{tmp_path}/a/b/history.db"), writing=True)
    migrate(engine)
    assert (tmp_path / "a/b/history.db").is_file()
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="folder cannot be made"):
        migrate(open_database(SecretStr(f"sqlite:///{tmp_path}/file/history.db"), writing=True))


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_text("x" * 5_000)
    with pytest.raises(UserError, match=r"tables cannot be made.*not a database"):
        migrate(open_database(SecretStr(f"sqlite:///{tmp_path}/history.db"), writing=True))
    with pytest.raises(UserError, match=r"does not answer.*not a database"):
        check_migrated(open_database(SecretStr(f"sqlite:///{tmp_path}/history.db"), writing=False))


@pytest.mark.parametrize("write", [
    lambda c: c.execute(insert(progress), {"topic": "charges", "partition": 9, "next_offset": 1, "appended": 0}),
    lambda c: c.execute(text("UPDATE accounts SET whole = NOT whole")),
    lambda c: c.execute(text("DELETE FROM hours")),
    lambda c: c.execute(text("CREATE TABLE x (y INTEGER)")),
    lambda c: c.execute(text("DROP TABLE hours")),
])  # fmt: skip
def test_readers_cannot_write(engine: Engine, reader: Engine, write: Callable[[object], object]) -> None:
    Feed(engine).write(charge(1))
    before = dumped(engine)
    with pytest.raises(DBAPIError, match=r"read.?only"), reader.begin() as connection:
        write(connection)
    assert dumped(engine) == before


def test_a_reader_sees_one_state_throughout(engine: Engine, reader: Engine) -> None:
    feed = Feed(engine)
    feed.write(charge(1))
    count = select(func.count()).select_from(accounts)
    with reader.begin() as connection:
        assert connection.execute(count).scalar() == 1
        feed.write(charge(1, account="other"))
        assert connection.execute(count).scalar() == 1
    with reader.begin() as connection:
        assert connection.execute(count).scalar() == 2


@pytest.mark.parametrize("address", [
    f"postgresql://u:{PASSWORD}@127.0.0.1:1/history",
    f"postgresql://u:{PASSWORD}@127.0.0.1:1/history?connect_timeout=1&nonsense=1",
    f"postgresql://u:{PASSWORD}@no-such-host.invalid/history",
])  # fmt: skip
def test_a_server_that_does_not_answer_is_told_without_the_password(address: str) -> None:
    secret = SecretStr(address)
    for work, writing in ((migrate, True), (check_migrated, False), (drop, True)):
        with pytest.raises(UserError) as caught:
            work(open_database(secret, writing=writing))
        assert len(str(caught.value).splitlines()) == 1
        assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("address", [
    "",
    PASSWORD,
    f"mysql://u:{PASSWORD}@host/history",
    f"postgresql://u:a@{PASSWORD}:{PASSWORD}/history",
    f"postgresql://host:{PASSWORD}",
    "sqlite://",
    "sqlite:///",
    "sqlite:///:memory:",
])  # fmt: skip
def test_an_address_of_no_known_kind_is_refused_without_being_told(address: str) -> None:
    with pytest.raises(BadInput, match="setting history") as caught:
        open_database(SecretStr(address), writing=False)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in repr(Settings(history=SecretStr(address)))


def test_what_a_database_said_is_told_in_one_line_without_what_was_written(engine: Engine) -> None:
    row = {"topic": "charges", "partition": 1, "next_offset": 8_675_309, "appended": 0}
    with engine.begin() as connection:
        connection.execute(insert(progress), row)
        with pytest.raises(SQLAlchemyError) as caught:
            connection.execute(insert(progress), row)
        connection.rollback()
    assert "unique" in told(caught.value).lower()
    assert "8675309" not in told(caught.value)
    assert "\n" not in told(caught.value)
    assert told(SQLAlchemyError("")) == "SQLAlchemyError"
