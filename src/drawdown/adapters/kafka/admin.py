"""Create and check topics. Nothing is ever created by a worker."""

import asyncio
from collections.abc import Sequence
from typing import Self

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from drawdown.errors import UserError
from drawdown.topics import TopicSpec

_ALREADY_EXISTS = 36
_METADATA_TRIES = 100
_METADATA_WAIT_SECONDS = 0.1
_CONFIG_NAME, _CONFIG_VALUE = 0, 1


class Admin:
    """An admin client for the length of a context."""

    def __init__(self, servers: str, prefix: str = "") -> None:
        """Name the brokers and the prefix of every topic."""
        self._servers = servers
        self._prefix = prefix
        self._client = AIOKafkaAdminClient(bootstrap_servers=servers)

    async def __aenter__(self) -> Self:
        """Connect; raise UserError when no broker answers."""
        try:
            await self._client.start()
        except (KafkaError, OSError) as error:
            await self._client.close()
            raise UserError(f"no Kafka broker answers at {self._servers}: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._client.close()

    async def create(self, specs: Sequence[TopicSpec], *, replicas: int = 1) -> list[str]:
        """Create the topics that are missing; give their names."""
        topics = [
            NewTopic(self._prefix + spec.name, spec.partitions, replicas, topic_configs=spec.config) for spec in specs
        ]
        answer = await self._client.create_topics(topics)
        created = []
        for name, code, *said in answer.topic_errors:
            if code == 0:
                created.append(name)
            elif code != _ALREADY_EXISTS:
                raise UserError(f"topic {name} could not be created: {for_code(code).__name__} {said}")
        await self._known([topic.name for topic in topics])
        return created

    async def _known(self, names: Sequence[str]) -> None:
        """Wait until the brokers' metadata shows the topics: a creation is answered a moment before."""
        for _ in range(_METADATA_TRIES):
            described = await self._client.describe_topics(list(names))
            if all(entry["partitions"] for entry in described):
                return
            await asyncio.sleep(_METADATA_WAIT_SECONDS)
        raise UserError(f"the brokers do not show the topics just created: {', '.join(names)}")

    async def check(self, specs: Sequence[TopicSpec]) -> list[str]:
        """List in words what is missing or made differently; nothing when all is well."""
        names = [self._prefix + spec.name for spec in specs]
        described = {entry["topic"]: entry for entry in await self._client.describe_topics(names)}
        findings = []
        present = []
        for spec in specs:
            name = self._prefix + spec.name
            partitions = len(described[name]["partitions"]) if name in described else 0
            if not partitions:
                findings.append(f"topic {name} does not exist: create it with `drawdown topics create`")
            elif partitions != spec.partitions:
                findings.append(
                    f"topic {name} has {partitions} partitions, not {spec.partitions}: it must be made anew"
                )
            else:
                present.append(spec)
        return findings + await self._check_configs(present)

    async def _check_configs(self, specs: Sequence[TopicSpec]) -> list[str]:
        findings = []
        resources = [ConfigResource(ConfigResourceType.TOPIC, self._prefix + spec.name) for spec in specs]
        held: dict[str, dict[str, str]] = {}
        for answer in await self._client.describe_configs(resources) if resources else ():
            for _code, _message, _kind, name, entries in answer.resources:
                held[name] = {entry[_CONFIG_NAME]: entry[_CONFIG_VALUE] for entry in entries}
        for spec in specs:
            name = self._prefix + spec.name
            for setting, wanted in spec.config.items():
                found = held.get(name, {}).get(setting)
                if setting == "retention.ms":
                    if found is not None and found != "-1" and (wanted == "-1" or int(found) < int(wanted)):
                        findings.append(f"topic {name} keeps records {found} ms, less than the {wanted} ms it must")
                elif setting in {"message.timestamp.type", "cleanup.policy"} and found != wanted:
                    findings.append(f"topic {name} has {setting}={found}, not {wanted}")
        return findings
