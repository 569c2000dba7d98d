"""Kafka and Redis in containers, where a Docker engine answers. Untested where no engine runs."""

import contextlib

from drawdown.errors import UserError

_KAFKA_IMAGE = "confluentinc/cp-kafka:8.0.0"  # Apache Kafka 4.0, as testcontainers starts it
_REDIS_IMAGE = "redis:7.2"
_REDIS_PORT = 6379
_ANSWER_SECONDS = 3
# what local/kafka.py sets for a child process, as the image reads it
_BROKER = {
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    "KAFKA_GROUP_COORDINATOR_REBALANCE_PROTOCOLS": "classic",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
}


def answers() -> bool:
    """Say whether a Docker engine answers at once."""
    try:
        import docker  # noqa: PLC0415  part of the extra `local`
    except ImportError:
        return False
    try:
        client = docker.from_env(timeout=_ANSWER_SECONDS)
        client.ping()
    except docker.errors.DockerException:
        return False
    return True


def start(ends: contextlib.ExitStack) -> tuple[str, str]:
    """Start both; give Kafka's and Redis's address. Raise UserError when the engine cannot run them."""
    import docker  # noqa: PLC0415
    from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415
    from testcontainers.community.redis import RedisContainer  # noqa: PLC0415

    try:
        broker = KafkaContainer(_KAFKA_IMAGE).with_kraft()
        for name, value in _BROKER.items():
            broker = broker.with_env(name, value)
        kafka = ends.enter_context(broker)
        redis = RedisContainer(_REDIS_IMAGE).with_command("redis-server --maxmemory-policy noeviction")
        ends.enter_context(redis)
        host, port = redis.get_container_host_ip(), redis.get_exposed_port(_REDIS_PORT)
        return kafka.get_bootstrap_server(), f"redis://{host}:{port}/0"
    except (docker.errors.DockerException, RuntimeError, TimeoutError, OSError) as error:
        raise UserError(f"Docker answers, but could not run {_KAFKA_IMAGE} and {_REDIS_IMAGE}: {error}") from error
