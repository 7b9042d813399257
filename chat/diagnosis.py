"""What the bot stands on, looked at piece by piece: keys, models, context windows, database, clock.

Each look ends in findings: a mark, what was seen, and how to mend it. They are made to be shown, on the terminal and in
Discord, and hold no secret: nothing that a service, a driver or the settings said is quoted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from chat.models import DOCUMENTED_CONTEXT_WINDOWS, NOT_FOR_CHAT, USUAL_CONTEXT_WINDOW
from infermatic_client import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    InfermaticClient,
    InfermaticError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from storage import (
    CorruptDatabaseError,
    DatabaseUrlError,
    DiskFullError,
    NewerSchemaError,
    StorageError,
    StorageUnavailableError,
)
from storage.health import DatabaseReport

CHECK_SECONDS = 12.0  # a person waits for the report
CLOCK_TOLERANCE_SECONDS = 10.0  # the service's time is given in whole seconds, and the answer was on its way
LITTLE_ROOM = 500 * 1024**2  # bytes: a busy server writes less in a month, and a backup has to fit, too
NO_ROOM = 20 * 1024**2
MOST_NAMES = 3


class Mark(Enum):
    """How it stands with something."""

    GOOD = "good"
    WARNING = "warning"  # the bot works, but less well than it could
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and how to mend it if it needs mending."""

    subject: str
    mark: Mark
    text: str
    mend: str = ""


NO_KEY = Finding("API key", Mark.WRONG, "none is set.", "Set `INFERMATIC_API_KEY`.")
LookAtDatabase = Callable[[], Awaitable[DatabaseReport | None]]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Looks at everything that is not Discord."""

    clients: Sequence[InfermaticClient] = field(repr=False)
    look_at_database: LookAtDatabase = field(repr=False)
    default_model: str = ""
    fallback_models: Sequence[str] = ()
    context_windows: Mapping[str, int] = field(default_factory=dict)
    has_secret_key: bool = False

    async def findings(self) -> list[Finding]:
        """Look at everything at the same time; whatever is broken becomes a finding."""
        keys, (database, report) = await asyncio.gather(self._keys(), self._database())
        served = [names for names, _ in keys if names is not None]
        models = sorted(set().union(*served)) if served else None
        windows = {} if report is None else {name: facts.context_window for name, facts in report.facts.items()}
        return [
            *(finding for _, finding in keys),
            *([] if keys else [NO_KEY]),
            *model_findings(models, self.default_model, self.fallback_models),
            *window_findings(models, self.context_windows, {name for name, tokens in windows.items() if tokens}),
            *database,
            secret_key_finding(self.has_secret_key),
        ]

    async def _keys(self) -> list[tuple[list[str] | None, Finding]]:
        several = len(self.clients) > 1
        names = [f"API key {number}" if several else "API key" for number in range(1, len(self.clients) + 1)]
        return await asyncio.gather(*map(_look_at_key, names, self.clients))

    async def _database(self) -> tuple[list[Finding], DatabaseReport | None]:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                report = await self.look_at_database()
        except (StorageError, TimeoutError) as error:
            return [Finding("Database", Mark.WRONG, *storage_words(error))], None
        return database_findings(report), report


async def models_of(client: InfermaticClient) -> list[str]:
    """The models that one can chat with on this key. Raises `InfermaticError`."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            models = await client.models()
    except TimeoutError:
        raise APITimeoutError(seconds=CHECK_SECONDS) from None
    return sorted(model.id for model in models if not any(part in model.id.lower() for part in NOT_FOR_CHAT))


async def _look_at_key(name: str, client: InfermaticClient) -> tuple[list[str] | None, Finding]:
    try:
        models = await models_of(client)
    except InfermaticError as error:
        return None, Finding(name, Mark.WRONG, *service_words(error))
    if not models:
        return models, Finding(name, Mark.WRONG, "accepted, but it may use no model.", "Look at your plan.")
    return models, Finding(name, Mark.GOOD, f"accepted; {len(models)} models.")


def service_words(error: InfermaticError) -> tuple[str, str]:
    """What went wrong between us and the service, and how to mend it."""
    match error:
        case AuthenticationError():
            return "the service does not accept it.", "Copy it again from your account, or look at your plan."
        case PermissionDeniedError():
            return "the plan or its budget does not allow this.", "Look at your plan."
        case APITimeoutError():
            return "the service does not answer in time.", "Try again later, or look at `INFERMATIC_BASE_URL`."
        case APIConnectionError():
            return "the service cannot be reached.", "Check the network, the firewall and `INFERMATIC_BASE_URL`."
        case RateLimitError():
            return "the key has used up its requests.", "Try again in a minute."
        case ServerError():
            return "the service has a problem of its own.", "Try again later."
    return "the service's answer is not one of this kind of API.", "Look at `INFERMATIC_BASE_URL`."


def model_findings(models: Collection[str] | None, default: str, fallbacks: Sequence[str]) -> list[Finding]:
    """Whether the default and the fallback models are served; `models` is None while nobody knows."""
    if models is None:
        return [Finding("Models", Mark.WARNING, "not known while no key is accepted.")]
    if default and default not in models:
        mend = "Set `DEFAULT_MODEL` to a model of `/model list`."
        found = [Finding("Default model", Mark.WRONG, f"{_code(default)} is not served.", mend)]
    else:
        words = f"{_code(default)} is served." if default else "the first of the list, as none is set."
        found = [Finding("Default model", Mark.GOOD, words)]
    gone = [name for name in fallbacks if name not in models]
    if gone:
        words = f"{_codes(gone)} {'is' if len(gone) == 1 else 'are'} not served."
        found.append(Finding("Fallback models", Mark.WARNING, words, "Change `FALLBACK_MODELS`."))
    elif fallbacks:
        found.append(Finding("Fallback models", Mark.GOOD, "all of them are served."))
    else:
        mend = "`FALLBACK_MODELS` names who answers when a model is not served any more."
        found.append(Finding("Fallback models", Mark.GOOD, "none are set.", mend))
    return found


def window_findings(models: Collection[str] | None, given: Collection[str], learned: Collection[str]) -> list[Finding]:
    """Where the context windows of the models that are served are known from."""
    if not models:
        return []
    counts = {"set by you": 0, "learned": 0, "documented": 0, "assumed": 0}
    for model in models:
        counts[_window_source(model, given, learned)] += 1
    words = ", ".join(f"{count} {source}" for source, count in counts.items() if count)
    if not counts["assumed"]:
        return [Finding("Context windows", Mark.GOOD, f"{words}.")]
    mend = f"Assumed means {USUAL_CONTEXT_WINDOW:,} tokens until a longer prompt teaches better, or `CONTEXT_WINDOWS`."
    return [Finding("Context windows", Mark.GOOD, f"{words}.", mend)]


def _window_source(model: str, given: Collection[str], learned: Collection[str]) -> str:
    if model in given:
        return "set by you"
    if model in learned:
        return "learned"
    return "documented" if any(part in model.lower() for part in DOCUMENTED_CONTEXT_WINDOWS) else "assumed"


def database_findings(report: DatabaseReport | None) -> list[Finding]:
    """How the database is, and how much room it has."""
    if report is None:
        return [Finding("Database", Mark.GOOD, "none yet; the first start makes it.")]
    words = f"{report.kind} {report.version} answers, schema {report.schema or 'none yet'}"
    size = "" if report.size is None else f", {_bytes(report.size)}"
    found = [Finding("Database", Mark.GOOD, f"{words}{size}.")]
    if report.schema != report.known_schema:
        found = [Finding("Database", Mark.WARNING, f"{words}{size}.", "The next start brings the schema up to date.")]
    if report.room is not None:
        found.append(room_finding(report.room))
    return found


def room_finding(room: int) -> Finding:
    """How much room the disk of the database has, in bytes."""
    mend = "" if room >= LITTLE_ROOM else "Make room on the disk; without any, the bot cannot remember what is said."
    mark = Mark.GOOD if room >= LITTLE_ROOM else Mark.WARNING if room >= NO_ROOM else Mark.WRONG
    return Finding("Disk", mark, f"{_bytes(room)} free.", mend)


def storage_words(error: StorageError | TimeoutError) -> tuple[str, str]:
    """What is wrong with the database, and how to mend it."""
    match error:
        case CorruptDatabaseError():
            return "the file is damaged or not one of the bot's.", "Put a backup in its place."
        case NewerSchemaError():
            return "a newer version of the bot has used it.", "Update the bot, or put an older backup in its place."
        case DiskFullError():
            return "the disk is full.", "Make room on the disk."
        case DatabaseUrlError():
            return "`DATABASE_URL` names none that can be opened.", "See `.env.example` for what it may look like."
        case StorageUnavailableError() | TimeoutError():
            return "it does not answer.", "Check that it runs, `DATABASE_URL`, and who may open the file."
    return "it cannot be used.", "The log tells more."


def secret_key_finding(is_set: bool) -> Finding:
    """Whether secrets of servers can be sealed."""
    if is_set:
        return Finding("SECRET_KEY", Mark.GOOD, "set.")
    mend = "`python bot.py setup` makes one. Keep it with your backups."
    return Finding("SECRET_KEY", Mark.WARNING, "not set, so secrets cannot be kept in the database.", mend)


def clock_finding(seconds_ahead: float) -> Finding:
    """How far this machine's clock is ahead of Discord's."""
    if abs(seconds_ahead) <= CLOCK_TOLERANCE_SECONDS:
        return Finding("Clock", Mark.GOOD, "right.")
    direction = "ahead of" if seconds_ahead > 0 else "behind"
    words = f"{abs(seconds_ahead):,.0f} seconds {direction} Discord's."
    return Finding("Clock", Mark.WARNING, words, "Let the machine set its clock by the network (NTP).")


def _codes(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(map(_code, names[:MOST_NAMES])) + (f" and {more} more" if more > 0 else "")


def _code(name: str) -> str:
    """A name from the settings, so that it cannot end the code it is shown in."""
    return f"`{' '.join(name.replace('`', chr(39)).split())[:100]}`"


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"
