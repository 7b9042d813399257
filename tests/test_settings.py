import re
from dataclasses import fields
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from settings import Settings, SettingsError

ROOT = Path(__file__).parent.parent


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


def test_an_empty_variable_counts_as_not_set() -> None:
    names = [field.name.upper() for field in fields(Settings)]
    assert Settings.from_env(dict.fromkeys(names, "  ")) == Settings()


def test_every_variable_is_read() -> None:
    key = Fernet.generate_key().decode()
    settings = Settings.from_env(
        {
            "DISCORD_TOKEN": "token",
            "INFERMATIC_API_KEY": "sk-a, sk-b",
            "INFERMATIC_BASE_URL": "http://127.0.0.1:9/v1/",
            "REQUESTS_PER_MINUTE": "18",
            "PARALLEL_REQUESTS": "0",
            "DEFAULT_MODEL": "m",
            "FALLBACK_MODELS": "a,b",
            "EMBEDDING_MODEL": "e",
            "SYSTEM_PROMPT": "p",
            "CONTEXT_WINDOWS": "m=100, n=200",
            "DATABASE_URL": "postgresql://h/d",
            "SECRET_KEY": key,
            "OWNER_IDS": "1, 2",
            "ALLOWED_GUILDS": "3",
            "ALLOW_DMS": "yes",
            "SHARD_COUNT": "4",
            "SHARD_IDS": "0,3",
            "METRICS_ADDRESS": "127.0.0.1:1",
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": "JSON",
        }
    )
    assert settings == Settings(
        "token", ("sk-a", "sk-b"), "http://127.0.0.1:9", 18, None, "m", ("a", "b"), "e", "p", {"m": 100, "n": 200},
        "postgresql://h/d", (key,), frozenset({1, 2}), frozenset({3}), True, 4, (0, 3), "127.0.0.1:1", "DEBUG", "json",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INFERMATIC_BASE_URL", "api.totalgpt.ai"),
        ("REQUESTS_PER_MINUTE", "many"),
        ("PARALLEL_REQUESTS", "-1"),
        ("CONTEXT_WINDOWS", "model"),
        ("CONTEXT_WINDOWS", "=5"),
        ("DATABASE_URL", "mysql://x"),
        ("SECRET_KEY", "short"),
        ("OWNER_IDS", "ada"),
        ("ALLOWED_GUILDS", "1,x"),
        ("ALLOW_DMS", "perhaps"),
        ("SHARD_COUNT", "0"),
        ("SHARD_IDS", "0"),
        ("METRICS_ADDRESS", "9100"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({name: value})
    assert name in caught.value.problems[0]


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"LOG_LEVEL": "x", "OWNER_IDS": "x", "SHARD_COUNT": "2", "SHARD_IDS": "2"})
    assert len(caught.value.problems) == 3


def test_secrets_are_not_shown() -> None:
    key = Fernet.generate_key().decode()
    shown = repr(
        Settings.from_env(
            {
                "DISCORD_TOKEN": "canary-1",
                "INFERMATIC_API_KEY": "canary-2",
                "SECRET_KEY": key,
                "DATABASE_URL": "postgresql://u:canary-3@h/d",
            }
        )
    )
    assert "canary" not in shown
    assert key not in shown


def test_the_example_file_and_the_documentation_name_every_variable() -> None:
    names = {field.name.upper() for field in fields(Settings)}
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == names
    table = (ROOT / "docs" / "configuration.md").read_text()
    assert set(re.findall(r"^\| `([A-Z_]+)`", table, re.MULTILINE)) == names


def test_the_example_file_gives_the_defaults() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    assert Settings.from_env(example) == Settings()
