"""`drawdown prices`: check, publish, list and show price books."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drawdown.cli.options import AsJson
from drawdown.errors import BadInput

if TYPE_CHECKING:
    from drawdown.wire.book_file import BookFile

app = typer.Typer(no_args_is_help=True, help="Check, publish, list and show price books; docs/price-books.md says how.")


Wanted = Annotated[str, typer.Argument(metavar="NAME[:VERSION]", help="the newest version where none is named")]
Against = Annotated[
    bool, typer.Option("--published", help="as if they were published now: needs Kafka, writes nothing")
]


@app.command()
def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="price books (YAML or JSON), - for standard input")
    ],
    against: Against = False,
    as_json: AsJson = False,
) -> None:
    """Check price books; exit code 2 with file, line and field of what is wrong, 3 if it would not be taken up."""
    from drawdown.cli.output import at_desk, say, show_json, when  # noqa: PLC0415
    from drawdown.operate.pricing import judged  # noqa: PLC0415

    read = _read_all(files)
    fresh: list[bool | None] = [*at_desk(lambda desk: judged(desk, read))] if against else [None] * len(read)
    told = [_summary(file, new) for file, new in zip(read, fresh, strict=True)]
    if as_json:
        show_json(told)
        return
    for one in told:
        services = ", ".join(f"{service} {number}" for service, number in one["by_service"].items())
        say(
            f"{one['file']}: {one['name']}:{one['version']}, {one['kind']}, {one['currency']},"
            f" holds from {when(one['effective_from'])} UTC, {one['prices']} prices"
            + (f": {services}" if services else "")
        )
        if against:
            say("  it would be published" if one["new"] else "  it is published already, with the same terms")


@app.command()
def publish(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="the book as YAML or JSON")], as_json: AsJson = False
) -> None:
    """Publish a version of a price book, checked against those that hold; every worker takes it up by itself."""
    from drawdown.cli.output import at_desk, say, show_json  # noqa: PLC0415
    from drawdown.operate.pricing import publish as send  # noqa: PLC0415

    (one,) = _read_all([file])
    position, book = at_desk(lambda desk: send(desk, one)), one.book
    if as_json:
        show_json({"name": book.name, "version": book.version, "published": position is not None, "position": position})
    elif position is None:
        say(f"{book.name}:{book.version} was published before with the same terms")
    else:
        say(f"published {book.name}:{book.version}, {len(book.prices)} prices in {book.currency}")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the price books that workers know."""
    from drawdown.cli.output import at_desk, say, show_json, show_table, when  # noqa: PLC0415
    from drawdown.operate.pricing import published  # noqa: PLC0415
    from drawdown.wire.instants import format_instant  # noqa: PLC0415

    books = at_desk(published).books()
    if as_json:
        told = [
            {
                "name": book.name,
                "version": book.version,
                "kind": book.kind,
                "currency": book.currency,
                "effective_from": format_instant(book.effective_from),
                "prices": len(book.prices),
            }
            for book in books
        ]
        show_json(told)
    elif not books:
        say("no price books; `drawdown prices publish FILE` publishes one")
    else:
        rows = [
            (b.name, b.version, b.kind, b.currency, when(format_instant(b.effective_from)), len(b.prices))
            for b in books
        ]
        show_table(("book", ">version", "kind", "currency", "holds from", ">prices"), rows)


@app.command()
def show(
    wanted: Wanted,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="a file that check and publish take")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a published price book."""
    from drawdown.cli.output import at_desk, say, show_json, show_table, when  # noqa: PLC0415
    from drawdown.operate.pricing import find  # noqa: PLC0415
    from drawdown.wire.book_file import message_of, write_book  # noqa: PLC0415

    book = at_desk(lambda desk: find(desk, wanted))
    message = message_of(book)
    if as_json:
        show_json(message)
    elif as_yaml:
        typer.echo(write_book(book), nl=False)
    else:
        since = when(message["effective_from"])
        say(f"{book.name}:{book.version}, {book.kind}, holds from {since} UTC; prices in {book.currency}")
        rows = [row for entry in message["prices"] for row in _rows(entry)]
        show_table(("service", "meter", "dimensions", "model", ">up to", ">unit price", ">per"), rows)


def _rows(entry: dict[str, Any]) -> list[tuple[object, ...]]:
    """Give the rows of a price: one, or one a tier."""
    dimensions = ", ".join(f"{name} {value}" for name, value in entry.get("dimensions", {}).items())
    of = (entry["service"], entry["meter"], dimensions or "any")
    tiers = entry.get("tiers") or [entry]
    model = entry.get("model", "per_unit")
    return [
        (*of, model, tier.get("up_to", "no end" if tier is not entry else ""), tier["unit_price"], entry["per"])
        for tier in tiers
    ]


def _read_all(names: list[str]) -> "list[BookFile]":
    """Read files; raise BadInput with file, line and field of all that is wrong in any of them."""
    from drawdown.cli.command import read  # noqa: PLC0415
    from drawdown.wire.book_file import read_book  # noqa: PLC0415

    books, wrong = [], []
    for name in names:
        try:
            books.append(read_book(name, read(name)))
        except BadInput as error:
            wrong.append(str(error))
    if wrong:
        counted = (
            "this is no price book" if len(names) == 1 else f"{len(wrong)} of {len(names)} files are no price books"
        )
        raise BadInput("\n".join([f"{counted}:", *wrong]))
    return books


def _summary(file: "BookFile", new: bool | None) -> dict[str, Any]:
    """Tell what is in a checked file. new: whether it would be published; None: not asked."""
    from drawdown.wire.book_file import message_of  # noqa: PLC0415

    told = message_of(file.book)
    told["prices"] = len(file.book.prices)
    told["by_service"] = Counter(price.service for price in file.book.prices)
    return {"file": file.document.name, **told} | ({} if new is None else {"new": new})
