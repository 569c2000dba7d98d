"""Settings from environment and file, and what is said about bad ones."""

from pathlib import Path

import pytest

from drawdown.errors import UserError
from drawdown.settings import load_settings


def refusal(**given: object) -> str:
    with pytest.raises(UserError) as raised:
        load_settings(**given)
    return str(raised.value)


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "drawdown.toml"
    file.write_text('kafka = "broker-1:9092"\nshards = 24\n')
    monkeypatch.setenv("DRAWDOWN_CONFIG", str(file))
    monkeypatch.setenv("DRAWDOWN_SHARDS", "6")
    settings = load_settings()
    assert (settings.kafka, settings.shards) == ("broker-1:9092", 6)


def test_a_bad_setting_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAWDOWN_SHARDS", "many")
    assert refusal().startswith("setting shards (DRAWDOWN_SHARDS)='many': Input should be a valid integer")


def test_an_unknown_setting_in_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "drawdown.toml"
    file.write_text("shard = 3\n")
    monkeypatch.setenv("DRAWDOWN_CONFIG", str(file))
    assert "setting shard (DRAWDOWN_SHARD)=3: Extra inputs are not permitted" in refusal()


def test_a_file_that_is_missing_or_no_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAWDOWN_CONFIG", str(tmp_path / "none.toml"))
    assert "there is no such file" in refusal()
    (tmp_path / "bad.toml").write_text("kafka = \n")
    monkeypatch.setenv("DRAWDOWN_CONFIG", str(tmp_path / "bad.toml"))
    assert "bad.toml" in refusal()


def test_publishers_never_set_the_time_off_loopback() -> None:
    said = refusal(kafka="broker-1:9092", timestamp_type="CreateTime")
    assert "timestamp_type=CreateTime is for local stacks" in said
    assert load_settings(kafka="127.0.0.1:1,localhost:2", timestamp_type="CreateTime").shards


def test_a_heartbeat_too_slow_for_the_session() -> None:
    assert "at most a third of session_timeout_ms" in refusal(heartbeat_ms=900, session_timeout_ms=2_000)


def test_a_password_is_never_told() -> None:
    settings = load_settings(redis="redis://:secret-word@127.0.0.1:6379/0")
    assert "secret-word" not in repr(settings)
    assert "secret-word" not in refusal(redis="http://:secret-word@host")


def test_origins_are_listed_with_commas_and_none_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().api_cors_origins == ()
    monkeypatch.setenv("DRAWDOWN_API_CORS_ORIGINS", "https://console.example, http://localhost:3000")
    assert load_settings().api_cors_origins == ("https://console.example", "http://localhost:3000")
    monkeypatch.setenv("DRAWDOWN_API_CORS_ORIGINS", '["https://console.example"]')
    assert load_settings().api_cors_origins == ("https://console.example",)
    monkeypatch.setenv("DRAWDOWN_API_CORS_ORIGINS", "[https://console.example]")
    assert "JSON" in refusal()
    monkeypatch.setenv("DRAWDOWN_API_CORS_ORIGINS", "")
    assert load_settings().api_cors_origins == ()


def test_origins_may_be_a_list_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "drawdown.toml"
    file.write_text('api_cors_origins = ["https://console.example"]\n')
    monkeypatch.setenv("DRAWDOWN_CONFIG", str(file))
    assert load_settings().api_cors_origins == ("https://console.example",)


@pytest.mark.parametrize(
    "wrong",
    ["*", "null", "console.example", "https://console.example/", "https://Console.example", "ftp://a", "https://"],
)
def test_what_is_no_exact_origin_is_refused(wrong: str) -> None:
    said = refusal(api_cors_origins=["https://console.example", wrong])
    assert said.startswith(f"setting api_cors_origins (DRAWDOWN_API_CORS_ORIGINS)={wrong!r}: {wrong!r} is no origin")
