"""The commands and what they take."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from drawdown.cli import account, charges, codes, dead_letters, history, keys, plan, prices, scenario, topics, wallet
from drawdown.cli.options import AsJson, LedgerName, Service, Timeout
from drawdown.errors import UserError
from drawdown.settings import load_settings

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
local = typer.Typer(no_args_is_help=True, help="A real Kafka and Redis on this machine.")
app.add_typer(local, name="local")
app.add_typer(topics.app, name="topics")
app.add_typer(prices.app, name="prices")
app.add_typer(account.app, name="account")
app.add_typer(plan.app, name="plan")
app.add_typer(wallet.app, name="wallet")
app.add_typer(codes.app, name="codes")
app.add_typer(charges.app, name="charges")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(keys.app, name="keys")
app.add_typer(history.app, name="history")
app.add_typer(scenario.app, name="scenario")


@app.callback()
def drawdown() -> None:
    """Rate the usage of an AI cloud and draw it down from what its customers have paid for."""


@app.command()
def worker() -> None:
    """Rate usage until SIGTERM or Ctrl-C. Settings: environment DRAWDOWN_… and the file named by DRAWDOWN_CONFIG."""
    from drawdown import logs  # noqa: PLC0415
    from drawdown.worker import run  # noqa: PLC0415

    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    failure = run(settings)
    if failure is not None:
        raise UserError(f"the worker stopped: {failure}" if str(failure) else f"the worker stopped: {failure!r}")


@app.command()
def api() -> None:
    """Answer HTTP requests until SIGTERM or Ctrl-C: accounts, plans, wallets. Settings as for `drawdown worker`."""
    from drawdown import logs  # noqa: PLC0415
    from drawdown.api.server import serve  # noqa: PLC0415

    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    serve(settings)


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="of all random draws")] = 1,
    accounts: Annotated[int, typer.Option(min=20, max=100_000, help="how many accounts")] = 200,
    events: Annotated[int, typer.Option(min=0, help="at most so many requests of the trace; 0: all")] = 0,
    containers: Annotated[
        Path | None, typer.Option(help="a CSV trace of container runs instead of generated ones", exists=True)
    ] = None,
    kill: Annotated[bool, typer.Option("--kill", help="SIGKILL the worker and empty Redis in the middle")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as JSON")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="leave all of it running, the HTTP API too, until Ctrl-C")
    ] = False,
) -> None:
    """Rate a real trace on a real Kafka and Redis, and check every amount with an independent rater."""
    from drawdown.cli.demo import demo as run  # noqa: PLC0415
    from drawdown.demo.run import Options  # noqa: PLC0415

    run(Options(seed, accounts, events, kill, containers), as_json=as_json, keep=keep)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="a CSV file, plain or gzip", exists=True, dir_okay=False)],
    service: Annotated[Literal["inference", "gpu-container", "fine-tuning"], typer.Option("--as", help="what it is")],
    accounts: Annotated[int, typer.Option(min=1, max=100_000, help="spread over so many, the first oftenest")] = 100,
    seed: Annotated[int, typer.Option(help="of all random draws")] = 1,
    speed: Annotated[int, typer.Option(min=0, help="times real time; 0: as fast as it goes")] = 0,
    limit: Annotated[int, typer.Option(min=0, help="at most so many rows; 0: all")] = 0,
    local: Annotated[bool, typer.Option("--local", help="on a stack of its own, with a worker and a check")] = False,
    preset: Annotated[str, typer.Option(help="azure-llm or alibaba-pods; else the header decides")] = "",
    time: Annotated[str, typer.Option(help="column: when a call was made")] = "",
    start: Annotated[str, typer.Option(help="column: when a run started")] = "",
    end: Annotated[str, typer.Option(help="column: when a run ended")] = "",
    count: Annotated[list[str] | None, typer.Option(help="METER=COLUMN of a call, may be repeated")] = None,
    name: Annotated[str, typer.Option(help="column: a run's container or job")] = "",
    gpus: Annotated[str, typer.Option(help="column: a run's number of GPUs")] = "",
    gpu_model: Annotated[str, typer.Option(help="column: a run's GPU model")] = "",
    as_json: AsJson = False,
) -> None:
    """Publish a CSV trace as usage, its last event at now. The accounts are named replay-0000 and so on."""
    from drawdown.cli.replay import columns_of  # noqa: PLC0415
    from drawdown.cli.replay import replay as run  # noqa: PLC0415
    from drawdown.demo.replay import Replay  # noqa: PLC0415

    columns = columns_of(preset, time, start, end, count or [], name, gpus, gpu_model)
    run(Replay(file, service, columns, accounts, seed, speed, limit), local=local, as_json=as_json)


@app.command()
def send(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="a CloudEvent as JSON, or its data alone")],
    service: Annotated[Service | None, typer.Option(help="of mere data")] = None,
    account: Annotated[str, typer.Option(help="of mere data")] = "",
    ident: Annotated[str, typer.Option("--id", help="of mere data; made where it is not given")] = "",
    source: Annotated[str, typer.Option(help="of mere data; /SERVICE where it is not given")] = "",
    time: Annotated[str, typer.Option(help="of mere data: the usage's end; its `to`, or now")] = "",
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Check one usage event as a worker would, send it, and print where it stands."""
    from drawdown.cli.send import Given  # noqa: PLC0415
    from drawdown.cli.send import send as run  # noqa: PLC0415

    run(file, Given(service or "", account, ident, source, time), timeout=timeout, as_json=as_json)


@app.command()
def command(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="the command as JSON, with its idempotency id")],
    timeout: Timeout = 30,
    as_json: AsJson = False,
) -> None:
    """Send a command to the ledgers that take it, and wait for what comes of it; exit code 3 if it is refused."""
    from drawdown.cli.command import from_file  # noqa: PLC0415

    from_file(file, as_json=as_json, timeout=timeout)


@app.command()
def lag(
    every: Annotated[bool, typer.Option("--all", help="partitions without lag as well")] = False,
    wait: Annotated[float, typer.Option(min=0, max=3_600, help="seconds to wait until there is none")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show what waits in the inputs: records and seconds per partition. Exit code 4 if --wait was too short."""
    from drawdown.cli.lag import lag as run  # noqa: PLC0415

    run(as_json=as_json, every=every, wait=wait)


@app.command()
def rebuild(
    ledger: Annotated[LedgerName, typer.Option(help="whose shards")] = LedgerName.PLANS,
    shard: Annotated[list[int] | None, typer.Option(min=0, help="this one; may be repeated")] = None,
    every: Annotated[bool, typer.Option("--all", help="every shard of the ledger")] = False,
    as_json: AsJson = False,
) -> None:
    """Build shards of Redis anew from Kafka beside what readers see, and swap them in whole; workers may run on."""
    from drawdown.cli.rebuild import rebuild as run  # noqa: PLC0415

    run(ledger.value, shard or [], every=every, as_json=as_json)


@app.command()
def verify(
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="tell of this account alone; its shard is read")] = "",
    ledger: Annotated[LedgerName | None, typer.Option(help="this ledger alone")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="go on from what an earlier run wrote there, and write it anew", dir_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay the whole log and compare it with what was published and what Redis holds. Exit code 1 on findings."""
    from drawdown.cli.verify import verify as run  # noqa: PLC0415

    run(account=account, ledger=ledger or "", checkpoint=checkpoint, as_json=as_json)


@local.command()
def up(as_json: AsJson = False) -> None:
    """Run Kafka and Redis with all topics until Ctrl-C, and print their addresses."""
    from drawdown.cli.local import up as run  # noqa: PLC0415

    run(as_json=as_json)
