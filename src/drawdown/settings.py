"""Settings of a worker and of the tools, from the environment (DRAWDOWN_…) and a TOML file; checked at start."""

import ipaddress
import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from drawdown.domain.catalogue import INFERENCE
from drawdown.domain.limits import (
    API_CORS_ORIGINS_MAX,
    SKEW_MS,
    TRANSACTION_SPACING_MS,
    WINDOW_DEFAULT_MS,
    WINDOW_INFERENCE_MS,
)
from drawdown.domain.policy import Policy
from drawdown.errors import BadInput
from drawdown.topics import CREATE_TIME, LOG_APPEND_TIME, SHARDS_DEFAULT, TopicSpec, plan_topics

CONFIG_VARIABLE = "DRAWDOWN_CONFIG"
_PREFIX = "DRAWDOWN_"
_MS = 1_000
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)  # as browsers write it


def _listed(told: Any) -> Any:
    """Take a list apart that is written with commas, as in the environment, or as JSON."""
    if not isinstance(told, str):
        return told
    if told.startswith("["):
        try:
            return json.loads(told)
        except ValueError as error:
            raise ValueError(f"it begins like a JSON list and is none: {error}") from error
    return tuple(part.strip() for part in told.split(",") if part.strip())


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise ValueError(
            f"{text!r} is no origin: write https://host or https://host:port, in small letters, without a path"
        )
    return text


class Settings(BaseSettings):
    """Every setting. The environment wins over the file named by DRAWDOWN_CONFIG."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    kafka: Annotated[str, Field(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$", description="brokers, host:port,…")] = (
        "127.0.0.1:9092"
    )
    redis: Annotated[SecretStr, Field(description="redis://[user:password@]host:port/db")] = SecretStr(
        "redis://127.0.0.1:6379/0"
    )
    prefix: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$", description="before every topic, key and group name")
    ] = ""
    shards: Annotated[int, Field(ge=1, le=1_000, description="partitions of every keyed topic")] = SHARDS_DEFAULT
    timestamp_type: Annotated[
        Literal["LogAppendTime", "CreateTime"], Field(description="of the inputs; CreateTime on loopback brokers only")
    ] = LOG_APPEND_TIME
    window_seconds: Annotated[
        int, Field(ge=60, le=30 * 86_400, description="how old usage may be when it is appended")
    ] = WINDOW_DEFAULT_MS // _MS
    inference_window_seconds: Annotated[int, Field(ge=60, le=30 * 86_400, description="the same for inference")] = (
        WINDOW_INFERENCE_MS // _MS
    )
    skew_seconds: Annotated[int, Field(ge=0, le=3_600, description="how far ahead of its append usage may end")] = (
        SKEW_MS // _MS
    )
    wallet: Annotated[
        bool, Field(description="draw overage from credits; off leaves it to a platform's own credit service")
    ] = True
    spacing_ms: Annotated[
        int, Field(ge=0, le=1_000, description="least time between two transactions of one worker")
    ] = TRANSACTION_SPACING_MS
    session_timeout_ms: Annotated[int, Field(ge=1_000, le=60_000, description="until a silent worker is let go")] = (
        6_000
    )
    rebalance_timeout_ms: Annotated[int, Field(ge=1_000, le=60_000, description="of a rebalance")] = 3_000
    heartbeat_ms: Annotated[int, Field(ge=100, le=5_000, description="between a worker's signs of life")] = 500
    metrics_host: Annotated[str, Field(pattern=r"^[^\s/]+$", description="where /metrics, /live and /ready listen")] = (
        "127.0.0.1"
    )
    metrics_port: Annotated[int, Field(ge=0, le=65_535, description="their port; 0: they do not listen")] = 0
    api_host: Annotated[str, Field(pattern=r"^[^\s/]+$", description="where `drawdown api` listens")] = "127.0.0.1"
    api_port: Annotated[int, Field(ge=0, le=65_535, description="its port")] = 8_080
    history: Annotated[
        SecretStr,
        Field(
            description="sqlite:///FILE or postgresql://user:password@host/database: the database of `drawdown history`"
        ),
    ] = SecretStr("sqlite:///drawdown-history.db")
    provider: Annotated[
        str, Field(max_length=120, description="who sells the services, as exports in FOCUS name it")
    ] = ""
    api_cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...],
        NoDecode,
        BeforeValidator(_listed),
        Field(max_length=API_CORS_ORIGINS_MAX, description="sites whose scripts may use the API, https://host,…"),
    ] = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  not used, nor is the next
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        file = os.environ.get(CONFIG_VARIABLE)
        toml = (TomlConfigSettingsSource(settings_cls, Path(file)),) if file else ()
        return init_settings, env_settings, *toml

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.heartbeat_ms * 3 > self.session_timeout_ms:
            raise ValueError(f"heartbeat_ms={self.heartbeat_ms} must be at most a third of session_timeout_ms")
        if self.timestamp_type == CREATE_TIME and not all(map(_is_loopback, self.kafka.split(","))):
            raise ValueError("timestamp_type=CreateTime is for local stacks: a publisher could set its own append time")
        if not self.redis.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("redis must be a URL that begins with redis://, rediss:// or unix://")
        return self

    @property
    def policy(self) -> Policy:
        """Give the accept windows."""
        return Policy(
            {INFERENCE: self.inference_window_seconds * _MS}, self.window_seconds * _MS, self.skew_seconds * _MS
        )

    @property
    def topics(self) -> tuple[TopicSpec, ...]:
        """List the topics that these settings need."""
        window_ms = max(self.window_seconds, self.inference_window_seconds) * _MS
        memory_ms = window_ms + self.skew_seconds * _MS
        return plan_topics(self.shards, timestamp_type=self.timestamp_type, memory_ms=memory_ms, wallet=self.wallet)


def load_settings(**given: Any) -> Settings:
    """Read and check the settings; raise BadInput naming each bad one."""
    file = os.environ.get(CONFIG_VARIABLE)
    if file and not Path(file).is_file():
        raise BadInput(f"{CONFIG_VARIABLE}={file}: there is no such file")
    try:
        return Settings(**given)
    except ValidationError as error:
        raise BadInput("\n".join(_say(entry) for entry in error.errors())) from error
    except ValueError as error:  # a TOML file that is none
        raise BadInput(f"{CONFIG_VARIABLE}={file}: {error}") from error


def _say(entry: Any) -> str:
    name = str(entry["loc"][0]) if entry["loc"] else ""
    why = entry["msg"].removeprefix("Value error, ")
    if not name:
        return f"settings: {why}"
    told = "" if name == "redis" else f"={entry['input']!r}"
    return f"setting {name} ({_PREFIX}{name.upper()}){told}: {why}"


def _is_loopback(broker: str) -> bool:
    host = broker.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
