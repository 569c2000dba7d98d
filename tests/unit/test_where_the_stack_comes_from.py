"""Where Kafka and Redis come from: the environment, Docker, else child processes."""

import contextlib

import pytest

from drawdown.errors import UserError
from drawdown.local import docker
from drawdown.local.kafka import KafkaBroker
from drawdown.local.redis import RedisServer
from drawdown.local.stack import KAFKA_VARIABLE, REDIS_VARIABLE, Addresses, LocalStack


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Child processes that are not really started."""
    started: list[str] = []
    monkeypatch.delenv(KAFKA_VARIABLE, raising=False)
    monkeypatch.delenv(REDIS_VARIABLE, raising=False)
    monkeypatch.setattr(KafkaBroker, "start", lambda _: started.append("kafka"))
    monkeypatch.setattr(RedisServer, "start", lambda _: started.append("redis"))
    return started


def test_addresses_of_the_environment_come_first(monkeypatch: pytest.MonkeyPatch, processes: list[str]) -> None:
    monkeypatch.setenv(KAFKA_VARIABLE, "127.0.0.1:9")
    monkeypatch.setenv(REDIS_VARIABLE, "redis://127.0.0.1:8/0")
    monkeypatch.setattr(docker, "answers", lambda: True)
    with LocalStack() as stack:
        assert (stack.origin, stack.addresses) == ("environment", Addresses("127.0.0.1:9", "redis://127.0.0.1:8/0"))
    assert processes == []


def test_half_an_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KAFKA_VARIABLE, "127.0.0.1:9")
    with pytest.raises(UserError, match="DRAWDOWN_REDIS is not set"), LocalStack():
        pass


def test_then_docker_whose_containers_end_with_the_stack(monkeypatch: pytest.MonkeyPatch, processes: list[str]) -> None:
    ended: list[str] = []

    def start(ends: contextlib.ExitStack) -> tuple[str, str]:
        ends.callback(ended.append, "containers")
        return "127.0.0.1:7", "redis://127.0.0.1:6/0"

    monkeypatch.setattr(docker, "answers", lambda: True)
    monkeypatch.setattr(docker, "start", start)
    with LocalStack() as stack:
        assert (stack.origin, stack.addresses.kafka, ended) == ("docker", "127.0.0.1:7", [])
    assert (ended, processes) == (["containers"], [])


def test_child_processes_where_docker_cannot_run_them(
    monkeypatch: pytest.MonkeyPatch, processes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[str] = []

    def start(ends: contextlib.ExitStack) -> tuple[str, str]:
        ends.callback(ended.append, "half of them")
        raise UserError("Docker answers, but could not run it")

    monkeypatch.setattr(docker, "answers", lambda: True)
    monkeypatch.setattr(docker, "start", start)
    with LocalStack() as stack:
        assert stack.origin == "processes"
    assert ended == ["half of them"]
    assert sorted(processes) == ["kafka", "redis"]
    assert "starting child processes instead" in capsys.readouterr().out


def test_child_processes_where_nothing_else_is(monkeypatch: pytest.MonkeyPatch, processes: list[str]) -> None:
    monkeypatch.setattr(docker, "answers", lambda: False)
    with LocalStack() as stack:
        assert stack.origin == "processes"
    assert sorted(processes) == ["kafka", "redis"]
