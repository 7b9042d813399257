"""Errors in words: what happened and what to do next. Every way out to people leads through `explain`."""

import logging
import secrets
from dataclasses import dataclass

import discord
from discord import app_commands

from chat.channel_settings import MAX_RETENTION_DAYS
from chat.errors import (
    AdultPersonaError,
    ApiKeyError,
    BusyConversationError,
    CardError,
    CastFullError,
    ChannelSettingError,
    DeniedError,
    EmptyReplyError,
    FilteredReplyError,
    KeywordsError,
    LimitReachedError,
    LineClearedError,
    LorebookError,
    LoreError,
    ModelDeniedError,
    ModelGoneError,
    NoKeyError,
    NoModelError,
    NoSuchLorebookError,
    NoSuchModelError,
    NoSuchPersonaError,
    NoSuchPresetError,
    NothingThereError,
    NothingToSetError,
    PausedError,
    PersonaError,
    PersonasReservedError,
    PresetFileError,
    PresetNameError,
    QueueTooLongError,
    ReplyInterruptedError,
    RetentionError,
    SamplingConflictError,
    SamplingError,
    SamplingValueError,
    SceneError,
    ServerSettingError,
    ServiceDownError,
    StaleControlError,
    TooManyLorebooksError,
    TooManyPersonasError,
    TooManyPresetsError,
    TranscriptError,
)
from chat.presets import MAX_NAME_CHARACTERS, range_words
from cogs._fault_words import (
    BROKEN_FILE,
    CARD_FAULTS,
    KEYWORD_PROBLEMS,
    LOREBOOK_FAULTS,
    PRESET_FILE_PROBLEMS,
    TRANSCRIPT_FAULTS,
)
from cogs._filter_words import filter_words
from cogs._key_words import key_words
from cogs._limit_words import limit_problem_words, limit_reached_words
from cogs._refusals import halt_words, refusal_words
from cogs._report_problems import report_problem_words
from cogs._rule_words import rule_problem_words
from cogs._scene_words import scene_words
from cogs._setup_words import setup_words
from cogs._usage_words import usage_error_words
from infermatic_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ContextWindowExceededError,
    InfermaticError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
    StreamInterruptedError,
    UnknownModelError,
    UnsupportedSystemPromptError,
)
from moderation.access import RefusedError
from moderation.durations import DurationError
from moderation.errors import FilterError
from moderation.limit_book import LimitError
from moderation.reports import ReportError
from moderation.rulebook import RuleError
from moderation.server_setup import SetupError
from moderation.usage import UsageError
from storage import (
    BrokenSealError,
    ConstraintError,
    CorruptDatabaseError,
    DatabaseUrlError,
    DiskFullError,
    NewerSchemaError,
    ReplyMovedOnError,
    SecretKeyMissingError,
    StorageError,
    StorageUnavailableError,
    TurnStartedError,
    WithdrawnError,
    WrongConversationError,
)

logger = logging.getLogger(__name__)

NOTHING_TO_ACT_ON = {
    "resume": "Nothing is paused there.",
    "undo": "There is no turn here that I could take back.",
    "stop": "I am not writing anything here right now.",
    "regenerate": "There is no reply here that I could answer anew.",
    "continue": "There is no reply here that could go on.",
    "forget": "That message is not in my memory.",
    "reset": "This conversation is empty already.",
    "restore": "There is nothing left to restore.",
    "search": "Which words shall I look for?",
    "checkout": "I know no such branch here. See `/history branches`.",
    "export": "There is nothing to export here yet.",
    "sampling reset": "Nothing of that is set here.",
    "persona share": "Whoever has this character has opted out, so nobody takes it over.",
    "import as persona": "There is no PNG, JSON or CHARX file in that message.",
    "persona undo": "There is no earlier version of this character.",
    "persona redo": "Nothing of this character was undone that could come back.",
    "persona edit": "There is nothing here that fits into a form. Export the card, change it, and give it as `file`.",
    "lore show": "This lorebook has no such entry.",
    "lore enable": "That lorebook is looked through here already.",
    "lore disable": "That lorebook is not switched on for this very place.",
    "persona clear": "No character was chosen for this very place.",
    "scene end": "There is no scene in this thread.",
    "scene recap": "Nothing was said in this scene that I could tell again.",
    "scene settings": "There is no scene in this thread. `/scene start` opens one.",
    "profile clear": "You have no profile here.",
    "note set": "The note has no words.",
    "note clear": "No note was set for this very place.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Words for an error, and whether trying again may help."""

    text: str
    retry: bool = True


def explain(error: BaseException) -> Explanation:
    """Words for any error; one that has none of its own gets an incident id that the log has, too."""
    if isinstance(error, app_commands.CommandInvokeError | app_commands.TransformerError) and error.__cause__:
        return explain(error.__cause__)
    for words in (_chat_words, _api_words, _policy_words, _storage_words, _discord_words):
        if (explanation := words(error)) is not None:
            return explanation
    incident = secrets.token_hex(4)
    logger.error("incident %s", incident, exc_info=error)
    return Explanation(f"Something went wrong on my side. If it stays, tell whoever runs me: incident `{incident}`.")


def _chat_words(error: BaseException) -> Explanation | None:
    match error:
        case NoKeyError(refused=True):
            return Explanation("The service does not accept my API key. Whoever runs me has to check it.")
        case NoKeyError():
            return Explanation("I have no API key yet. Whoever runs me has to set `INFERMATIC_API_KEY`.", retry=False)
        case NoModelError():
            return Explanation("I do not know which models there are: the service does not answer. Try again soon.")
        case ModelGoneError(model=model):
            return Explanation(f"The model `{model}` is not served any more. Choose another with `/model set`.")
        case ModelDeniedError(model=model):
            return Explanation(f"A moderator does not let `{_as_code(model)}` answer here. Choose another model.")
        case PausedError() | DeniedError() | LineClearedError():
            return Explanation(halt_words(error))
        case NoSuchModelError(name=name):
            return Explanation(f"I know no model `{_as_code(name)}`. See `/model list`.", retry=False)
        case QueueTooLongError(expected_seconds=seconds):
            return Explanation(f"Too many are waiting: it would take about {_duration(seconds)}. Try again later.")
        case LimitReachedError():
            return Explanation(limit_reached_words(error))
        case ServiceDownError(retry_after=seconds):
            return Explanation(f"The service is down for this model. I ask it again in {_duration(seconds)}.")
        case EmptyReplyError(only_reasoning=True):
            return Explanation("The model only thought and never spoke. Try again, or allow longer replies.")
        case EmptyReplyError(adds=True):
            return Explanation("The model has nothing to add. Say something, or ask for another answer.")
        case EmptyReplyError():
            return Explanation("The model's reply was empty. Try again, or choose another model with `/model set`.")
        case FilteredReplyError():
            return Explanation("This server's filter stopped the reply. Ask for another one, or in other words.")
        case ReplyInterruptedError():
            return Explanation("I was restarted while I was answering.")
        case SamplingError():
            return _sampling_words(error)
        case ChannelSettingError():
            return _channel_setting_words(error)
        case PersonaError() | CardError():
            return _persona_words(error)
        case LoreError():
            return _lore_words(error)
        case SceneError():
            return Explanation(scene_words(error), retry=False)
        case ApiKeyError():
            return Explanation(key_words(error))
        case NothingThereError(action=action):
            return Explanation(NOTHING_TO_ACT_ON.get(action, "There is nothing to do."), retry=False)
        case StaleControlError():
            return Explanation("This belongs to something that has changed since.", retry=False)
        case BusyConversationError():
            return Explanation("I am writing here. Wait for the reply, or stop it with `/stop`.", retry=False)
        case TranscriptError(fault=fault, line=line):
            where = f" (line {line})" if line is not None else ""
            return Explanation(TRANSCRIPT_FAULTS.get(fault, BROKEN_FILE) + where, retry=False)
    return None


def _sampling_words(error: SamplingError) -> Explanation:
    match error:
        case SamplingValueError(parameter=parameter, typed=typed):
            text = f"`{parameter}` takes {range_words(parameter)}, not `{_as_code(typed, 50)}`."
        case SamplingConflictError(min_tokens=least, max_tokens=most):
            text = f"`min_tokens` may not be more than `max_tokens`; here that would be {least:,} and {most:,}."
        case NoSuchPresetError(name=name):
            text = f"There is no preset `{_as_code(name, 50)}` here. `/sampling show` lists them."
        case PresetNameError():
            text = f"A preset's name has up to {MAX_NAME_CHARACTERS} letters, digits, spaces and signs such as `-_.!`"
        case TooManyPresetsError(limit=limit):
            text = f"There are {limit} presets already. Make room with `/sampling delete`."
        case PresetFileError(problem=problem):
            text = PRESET_FILE_PROBLEMS.get(problem, "This file is no preset of SillyTavern.")
        case _:
            text = "This cannot be set."
    return Explanation(text, retry=False)


def _persona_words(error: PersonaError | CardError) -> Explanation:
    match error:
        case NoSuchPersonaError(name=name):
            text = f"I know no character `{_as_code(name, 50)}` here. `/persona list` shows them."
        case TooManyPersonasError(limit=limit, own=True):
            text = f"You have {limit} characters here, which is the most. Make room with `/persona delete`."
        case TooManyPersonasError(limit=limit):
            text = f"There are {limit} characters here, which is the most. Make room with `/persona delete`."
        case PersonasReservedError():
            text = "On this server only moderators take characters in."
        case CastFullError(limit=limit):
            text = f"{limit} characters speak here, which is the most. `/persona clear` with a name takes one away."
        case AdultPersonaError(name=name):
            text = f"`{_as_code(name, 50)}` is for adults and works in age-restricted channels only."
        case CardError(fault="fields", field=name) if name:
            text = f"{CARD_FAULTS['fields']}: `{_as_code(name, 30)}`."
        case CardError(fault=fault):
            text = CARD_FAULTS.get(fault, "I cannot read this file as a character card.")
        case _:
            text = "This cannot be done with characters."
    return Explanation(text, retry=False)


def _lore_words(error: LoreError) -> Explanation:
    match error:
        case NoSuchLorebookError(name=name):
            text = f"I know no lorebook `{_as_code(name, 50)}` here. `/lore list` shows them."
        case TooManyLorebooksError(limit=limit):
            text = f"There are {limit} lorebooks here, which is the most. Make room with `/lore delete`."
        case LorebookError(fault=fault):
            text = LOREBOOK_FAULTS.get(fault, "I cannot read this file: it is no JSON.")
        case _:
            text = "This cannot be done with lorebooks."
    return Explanation(text, retry=False)


def _channel_setting_words(error: ChannelSettingError) -> Explanation:
    match error:
        case NothingToSetError():
            text = "What shall I set? Choose at least one of the options."
        case KeywordsError(problem=problem):
            text = KEYWORD_PROBLEMS.get(problem, "These cannot be keywords.")
        case RetentionError(typed=typed):
            text = (
                f"`retention` takes 1 to {MAX_RETENTION_DAYS:,} days, `off` or `default`, not `{_as_code(typed, 50)}`."
            )
        case ServerSettingError(setting=setting):
            text = f"`{_as_code(setting)}` is for servers: here everything is said to me, in one conversation."
        case _:
            text = "This cannot be set."
    return Explanation(text, retry=False)


def _api_words(error: BaseException) -> Explanation | None:
    match error:
        case RateLimitError(limit_type="max_parallel_requests"):
            return Explanation("The API key is busy elsewhere: someone else uses it. Try again in a moment.")
        case RateLimitError():
            when = _duration(error.retry_after) if error.retry_after else "a minute"
            return Explanation(f"The API key has used up its requests. Come back in {when}.")
        case ContextWindowExceededError():
            return Explanation(
                "This is too long for the model. Shorten it, begin anew with `/reset`, or change the model."
            )
        case UnknownModelError():
            return Explanation("The service does not know this model. Choose another with `/model set`.")
        case UnsupportedSystemPromptError():
            return Explanation("This model takes no system prompt. Choose another with `/model set`.")
        case PermissionDeniedError(model=None):
            return Explanation("The API key's plan or budget does not allow this. Whoever runs me has to check it.")
        case PermissionDeniedError():
            return Explanation("The API key's plan does not include this model. Choose another with `/model set`.")
        case AuthenticationError():
            return Explanation("The service does not accept my API key. Whoever runs me has to check it.")
        case BadRequestError() | NotFoundError():
            return Explanation("The service refused the request. Try other words or another model.")
        case ServerError():
            return Explanation("The service has a problem of its own. Try again in a moment, or choose another model.")
        case StreamInterruptedError():
            return Explanation("The connection broke off in the middle of the reply.")
        case APITimeoutError():
            return Explanation("The service did not answer in time. Try again, or choose another model.")
        case APIConnectionError():
            return Explanation("I cannot reach the service. Try again in a moment.")
        case ResponseFormatError():
            return Explanation("The service answered with something I could not read. Try again.")
        case APIStatusError() | InfermaticError():
            return Explanation("The service could not answer. Try again in a moment.")
    return None


def _policy_words(error: BaseException) -> Explanation | None:
    if isinstance(error, FilterError):
        return Explanation(filter_words(error), retry=False)
    match error:
        case LimitError():
            return Explanation(limit_problem_words(error), retry=False)
        case SetupError():
            return Explanation(setup_words(error), retry=False)
        case RefusedError():
            return Explanation(refusal_words(error), retry=False)
        case ReportError():
            return Explanation(report_problem_words(error), retry=False)
        case RuleError() | DurationError():
            return Explanation(rule_problem_words(error), retry=False)
    return None


def _storage_words(error: BaseException) -> Explanation | None:
    match error:
        case DiskFullError():
            return Explanation("My disk is full, so I cannot remember anything new. Whoever runs me has to make room.")
        case StorageUnavailableError():
            return Explanation("I cannot reach my memory at the moment. Try again soon.")
        case WrongConversationError() | TurnStartedError() | ReplyMovedOnError():
            return Explanation("This belongs to something that has changed since.", retry=False)
        case WithdrawnError():
            return Explanation("I did not keep this, as you wished with `/privacy`.", retry=False)
        case CorruptDatabaseError() | NewerSchemaError() | DatabaseUrlError():
            return Explanation("My memory cannot be opened. Whoever runs me has to look at the log.", retry=False)
        case SecretKeyMissingError():
            return Explanation("I cannot keep a key safely yet. Whoever runs me has to set `SECRET_KEY`.", retry=False)
        case BrokenSealError():
            return Explanation("What was sealed here does not open any more. Enter the key anew.", retry=False)
        case ConstraintError() | StorageError():
            return Explanation("My memory has a problem. Whoever runs me finds it in the log.")
    return None


def _discord_words(error: BaseException) -> Explanation | None:
    match error:
        case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
            return Explanation("This command has changed. Reload Discord (Ctrl+R) and try again.", retry=False)
        case app_commands.TransformerError():
            return Explanation("I do not see what you chose. Choose it again.", retry=False)
        case app_commands.NoPrivateMessage():
            return Explanation("This works in servers only.", retry=False)
        case UsageError():
            return Explanation(usage_error_words(error), retry=False)
        case discord.Forbidden():
            return Explanation("I lack a permission in this channel: View Channel, Send Messages or Read History.")
        case discord.RateLimited():
            return Explanation("Discord slows me down here. Try again in a moment.")
    return None


def _as_code(text: str, limit: int = 100) -> str:
    """Something that a person typed, so that it cannot end the code it is shown in."""
    return " ".join(text.replace("`", "'").split())[:limit]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    if seconds < 5400:
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / 3600)} hours"
