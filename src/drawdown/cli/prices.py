"""`drawdown prices`: publish a book, and list those that hold."""

from typing import Annotated

import typer

from drawdown.cli.options import AsJson

app = typer.Typer(no_args_is_help=True, help="Publish and list price books.")


@app.command()
def publish(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="the book as JSON")], as_json: AsJson = False
) -> None:
    """Publish a version of a price book, checked against those that hold; every worker takes it up by itself."""
    from drawdown.cli.command import read  # noqa: PLC0415
    from drawdown.cli.output import at_desk, say, show_json  # noqa: PLC0415
    from drawdown.operate.pricing import publish as send  # noqa: PLC0415

    value = read(file)
    book, position = at_desk(lambda desk: send(desk, value))
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

    _, books = at_desk(published)
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
