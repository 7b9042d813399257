"""The bot's configuration: the one reader of the environment.

Everything is read once, at the start, into a frozen `Settings`; every problem is reported at once in `SettingsError`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

T = TypeVar("T")

DEFAULT_SYSTEM_PROMPT = (
    "You are a friendly participant in a Discord chat. Answer in the language you are spoken to, to the point and "
    "in a few sentences unless asked for more. Use Discord's Markdown where it helps."
)
BASE_URL = "https://api.totalgpt.ai"
DATABASE_URL = "sqlite:///data/bot.db"
EMBEDDING_MODEL = "intfloat-multilingual-e5-base"
REQUESTS_PER_MINUTE: int | None = 12
PARALLEL_REQUESTS: int | None = 1
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """The environment holds values that the bot cannot run with."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator can set; the field names are the environment variables in lower case."""

    discord_token: str = field(default="", repr=False)
    infermatic_api_key: tuple[str, ...] = field(default=(), repr=False)
    infermatic_base_url: str = BASE_URL
    requests_per_minute: int | None = REQUESTS_PER_MINUTE  # None: the server has no such limit
    parallel_requests: int | None = PARALLEL_REQUESTS
    default_model: str = ""
    fallback_models: tuple[str, ...] = ()
    embedding_model: str = EMBEDDING_MODEL
    system_prompt: str = DEFAULT_SYSTEM_PROMPT
    context_windows: Mapping[str, int] = field(default_factory=dict)
    database_url: str = field(default=DATABASE_URL, repr=False)
    secret_key: tuple[str, ...] = field(default=(), repr=False)
    owner_ids: frozenset[int] = frozenset()
    allowed_guilds: frozenset[int] = frozenset()
    allow_dms: bool = False
    shard_count: int | None = None
    shard_ids: tuple[int, ...] = ()
    metrics_address: str = ""
    log_level: str = "INFO"
    log_format: str = "text"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings; an empty variable counts as one that is not set. Raises `SettingsError`."""
        reader = _Reader(environ)
        settings = cls(
            discord_token=reader.text("DISCORD_TOKEN", ""),
            infermatic_api_key=reader.words("INFERMATIC_API_KEY"),
            infermatic_base_url=reader.value("INFERMATIC_BASE_URL", BASE_URL, _address),
            requests_per_minute=reader.value("REQUESTS_PER_MINUTE", REQUESTS_PER_MINUTE, _limit),
            parallel_requests=reader.value("PARALLEL_REQUESTS", PARALLEL_REQUESTS, _limit),
            default_model=reader.text("DEFAULT_MODEL", ""),
            fallback_models=reader.words("FALLBACK_MODELS"),
            embedding_model=reader.text("EMBEDDING_MODEL", EMBEDDING_MODEL),
            system_prompt=reader.text("SYSTEM_PROMPT", DEFAULT_SYSTEM_PROMPT),
            context_windows=reader.value("CONTEXT_WINDOWS", {}, _context_windows),
            database_url=reader.value("DATABASE_URL", DATABASE_URL, _database_url),
            secret_key=reader.value("SECRET_KEY", (), _secret_keys),
            owner_ids=reader.value("OWNER_IDS", frozenset(), _ids),
            allowed_guilds=reader.value("ALLOWED_GUILDS", frozenset(), _ids),
            allow_dms=reader.value("ALLOW_DMS", False, _boolean),
            shard_count=reader.value("SHARD_COUNT", None, _positive),
            shard_ids=reader.value("SHARD_IDS", (), _shard_ids),
            metrics_address=reader.value("METRICS_ADDRESS", "", _host_and_port),
            log_level=reader.value("LOG_LEVEL", "INFO", _one_of(*LOG_LEVELS)),
            log_format=reader.value("LOG_FORMAT", "text", _one_of("text", "json")),
        )
        reader.require(
            not settings.shard_ids or settings.shard_count is not None, "SHARD_IDS needs SHARD_COUNT beside it"
        )
        reader.require(
            settings.shard_count is None or all(shard < settings.shard_count for shard in settings.shard_ids),
            "SHARD_IDS must be smaller than SHARD_COUNT",
        )
        reader.finish()
        return settings


class _Reader:
    """Reads variables one by one and remembers every problem."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def words(self, name: str) -> tuple[str, ...]:
        return _split(self._environ.get(name, ""))

    def value(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        text = self._environ.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self._problems.append(f"{name} {error}")
            return default

    def require(self, holds: bool, problem: str) -> None:
        if not holds:
            self._problems.append(problem)

    def finish(self) -> None:
        if self._problems:
            raise SettingsError(self._problems)


def _split(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address such as https://api.totalgpt.ai")
    return text.rstrip("/").removesuffix("/v1")


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("must look like 127.0.0.1:9100")
    return text


def _limit(text: str) -> int | None:
    if not text.isdecimal():
        raise ValueError("must be a whole number; 0 means that there is no such limit")
    return int(text) or None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("must be a whole number of 1 or more")
    return int(text)


def _ids(text: str) -> frozenset[int]:
    words = _split(text)
    if not all(word.isdecimal() for word in words):
        raise ValueError("must be Discord ids (numbers) separated by commas")
    return frozenset(map(int, words))


def _shard_ids(text: str) -> tuple[int, ...]:
    words = _split(text)
    if not all(word.isdecimal() for word in words):
        raise ValueError("must be shard numbers separated by commas, counted from 0")
    return tuple(map(int, words))


def _boolean(text: str) -> bool:
    match text.lower():
        case "1" | "true" | "yes" | "on":
            return True
        case "0" | "false" | "no" | "off":
            return False
        case _:
            raise ValueError("must be true or false")


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        for choice in choices:
            if text.lower() == choice.lower():
                return choice
        raise ValueError(f"must be one of {', '.join(choices)}")

    return parse


def _context_windows(text: str) -> Mapping[str, int]:
    windows: dict[str, int] = {}
    for word in _split(text):
        model, _, tokens = word.rpartition("=")
        if not model.strip() or not tokens.strip().isdecimal() or int(tokens) < 1:
            raise ValueError("must look like model=32768, other-model=16384")
        windows[model.strip()] = int(tokens)
    return windows


def _database_url(text: str) -> str:
    if not text.startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return text


def _secret_keys(text: str) -> tuple[str, ...]:
    keys = _split(text)
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ValueError("must be Fernet keys (44 characters each) separated by commas") from None
    return keys
