"""A second broker beside a ground's own, which stays the only controller."""

from pathlib import Path

from drawdown.local.kafka import KafkaBroker

# for the first: a broker that is killed is missed in two seconds instead of nine
SOON_MISSED = {"broker.session.timeout.ms": 2_000, "broker.heartbeat.interval.ms": 500}


class SecondBroker(KafkaBroker):
    """Broker 2 of another one's cluster."""

    def __init__(self, folder: Path, first: KafkaBroker) -> None:
        super().__init__(folder)
        self._cluster = first._cluster
        told = (first._folder / "server.properties").read_text().splitlines()
        self._voters = next(line for line in told if line.startswith("controller.quorum.voters="))

    def _properties(self, controller: int) -> str:
        listens = f"listeners=PLAINTEXT://127.0.0.1:{self.port}"
        usual = super()._properties(controller)  # of two lines about one setting, the later one counts
        return f"{usual}process.roles=broker\nnode.id=2\n{self._voters}\n{listens}\n"
