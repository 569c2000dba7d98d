"""Faust's and aiokafka's names that adapters/faust relies on: another version must be looked at before it is used."""

import inspect
from importlib.metadata import entry_points, version

import aiokafka
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust import streams
from faust.tables import TableManager
from faust.transport import consumer
from faust.transport.drivers import aiokafka as driver
from mode import Service
from mode.threads import ServiceThread

from drawdown.adapters.faust import transport
from drawdown.worker import NoTables, Worker


def test_the_version_of_faust_is_the_one_that_was_read() -> None:
    assert version("faust-streaming") == "0.15.3"


def test_faust_finds_the_transport_by_its_scheme() -> None:
    found = [point for point in entry_points(group="faust.transports") if point.name == "drawdown"]
    assert [point.load() for point in found] == [transport.Transport]


def test_what_is_overridden_exists_with_the_same_parameters() -> None:
    overridden = {
        transport.ConsumerOnLoop: (
            "_create_worker_consumer",
            "on_partitions_revoked",
            "on_partitions_assigned",
            "maybe_start",
            "start",
            "on_stop",
            "call_thread",
        ),
        transport.Consumer: (
            "_new_consumer_thread",
            "on_partitions_revoked",
            "on_partitions_assigned",
            "getmany",
            "perform_seek",
            "seek_to_committed",
            "force_commit",
            "verify_event_path",
        ),
        NoTables: ("on_start",),
        Worker: ("_gather_all", "_sentinel_task"),
    }
    for ours, names in overridden.items():
        theirs = ours.__mro__[1]
        for name in names:
            mine = list(inspect.signature(getattr(ours, name)).parameters)
            assert mine == list(inspect.signature(getattr(theirs, name)).parameters), name


def test_what_is_used_of_them_exists() -> None:
    for name in ("server_list", "credentials_to_aiokafka_auth"):
        assert callable(getattr(driver, name))
    for name in ("_ensure_consumer", "on_thread_stop"):
        assert hasattr(driver.AIOKafkaConsumerThread, name)
    assert {"maybe_start", "_default_start", "_default_stop_futures"} <= vars(Service).keys()
    assert "self.thread_loop = thread_loop or asyncio.new_event_loop()" in inspect.getsource(ServiceThread)
    assert {"_update_channels", "recovery"} <= vars(TableManager).keys()
    assert "_coordinator" in inspect.getsource(aiokafka.AIOKafkaConsumer)
    assert "self.generation" in inspect.getsource(GroupCoordinator)
    assert "flow_active" in vars(consumer.Consumer)
    assert "can_resume_flow" in inspect.getsource(consumer.Consumer)
    assert "message.generation_id != self.app.consumer_generation_id" in inspect.getsource(streams)
