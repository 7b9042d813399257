"""What can go wrong between a person's message and the model's answer.

    ChatError
    ├── NoKeyError              no API key is set, or every key was refused by the service
    ├── NoModelError            neither a model was chosen nor one is known to be served
    ├── ModelGoneError          the chosen model is not served any more and no fallback is
    ├── ModelDeniedError        policy lets neither the chosen model answer here nor any other
    ├── PausedError             policy lets nobody have answers here now
    ├── DeniedError             policy does not let those who asked have answers here any more
    ├── NoSuchModelError        the name that somebody typed is none of a model that is served
    ├── QueueTooLongError       the expected wait is longer than anyone would wait
    ├── LimitReachedError       a hard limit of the server has no room for the request
    ├── LineClearedError        a moderator sent away those who waited
    ├── ServiceDownError        the service failed several times in a row and is given a pause
    ├── EmptyReplyError         the model answered with nothing to show
    ├── FilteredReplyError      a filter of the server left nothing of the reply
    ├── ReplyInterruptedError   the bot stopped while it was answering
    ├── SamplingError           sampling parameters cannot be set as wished
    │   ├── SamplingValueError      the value is none that the parameter may have
    │   ├── SamplingConflictError   the values exclude each other
    │   ├── NoSuchPresetError       the server has no preset of this name
    │   ├── PresetNameError         a preset cannot be called this
    │   ├── TooManyPresetsError     the server has as many presets as it may
    │   └── PresetFileError         the file is no preset that can be read
    ├── ChannelSettingError     a channel's settings cannot be what somebody typed
    │   ├── NothingToSetError       no setting was named
    │   ├── KeywordsError           there are too many keywords, or one is too long, or none is a word
    │   ├── RetentionError          this is no number of days that messages may be kept
    │   └── ServerSettingError      the setting means nothing in direct messages
    ├── PersonaError            something about characters cannot be done
    │   ├── NoSuchPersonaError      there is none of this name that the person may see
    │   ├── TooManyPersonasError    the person or the server has as many as they may
    │   ├── PersonasReservedError   only moderators take characters in on this server
    │   ├── CastFullError           as many characters speak in a place as can
    │   └── AdultPersonaError       this one works in age-restricted channels only
    ├── CardError               a file holds no character card that can be read
    ├── LoreError               something about lorebooks cannot be done
    │   ├── NoSuchLorebookError     there is none of this name
    │   ├── TooManyLorebooksError   there are as many as there may be
    │   └── LorebookError           a file holds no lorebook that can be read
    ├── ApiKeyError             something about a server's API keys cannot be done
    │   ├── ModelOutsidePlanError   no key that answers for the server may use the model
    │   ├── KeyFormatError          this cannot be a key
    │   ├── KeyNotAcceptedError     the service does not accept the key
    │   ├── TooManyLendersError     as many members lend a key as may
    │   └── NoSuchKeyError          the key that should be removed is none of the server's
    ├── NothingThereError       there is no turn, reply or conversation that the command could act on
    ├── StaleControlError       the button belongs to something that has changed meanwhile
    ├── BusyConversationError   the conversation cannot be moved while a reply to it is being written
    └── TranscriptError         a file is no conversation that could be taken in, or a conversation no file

Errors of the API itself are those of `infermatic_client`. All carry data; their words are the surface's business.
"""

from dataclasses import dataclass
from typing import Literal

from storage import LimitUse

CardFault = Literal[
    "file", "format", "unreachable", "png", "crc", "chunks", "duplicate", "no card", "base64", "archive", "path",
    "large", "long", "many", "deep", "number", "text", "json", "card", "spec", "fields", "name", "picture",
]  # fmt: skip
LorebookFault = CardFault | Literal["book"]
TranscriptFault = Literal["size", "format", "broken", "version", "tree", "many", "text", "empty", "unreachable", "long"]


class ChatError(Exception):
    """Base of the conversation engine's errors."""


@dataclass
class NoKeyError(ChatError):
    """No usable API key; `refused` tells whether keys were set but refused."""

    refused: bool = False


class NoModelError(ChatError):
    """No model was chosen and the list of models could not be read."""


@dataclass
class ModelGoneError(ChatError):
    """The model is not served any more and no fallback is either."""

    model: str


@dataclass
class ModelDeniedError(ChatError):
    """Policy does not let the model answer here, nor any other that could."""

    model: str


class PausedError(ChatError):
    """Nobody gets answers here now."""


class DeniedError(ChatError):
    """Those who asked do not get answers here any more."""


@dataclass
class NoSuchModelError(ChatError):
    """No model that is served has the name that somebody typed."""

    name: str


@dataclass
class QueueTooLongError(ChatError):
    """The expected wait is longer than the limit for waiting."""

    expected_seconds: float


@dataclass
class LimitReachedError(ChatError):
    """A hard limit has no room for a request of `needed` requests or tokens.

    `others` hold as well and have something left. `late`: others can read what is said about it.
    """

    reached: LimitUse
    others: tuple[LimitUse, ...]
    needed: int
    late: bool = False


class LineClearedError(ChatError):
    """A moderator sent away those who waited for an answer."""


@dataclass
class ServiceDownError(ChatError):
    """The service failed several times in a row; it is asked again after `retry_after` seconds."""

    retry_after: float


@dataclass
class EmptyReplyError(ChatError):
    """The model's answer has no text.

    `only_reasoning` tells that it thought but never spoke, `adds` that it was asked to go on with a reply.
    """

    only_reasoning: bool = False
    adds: bool = False


class FilteredReplyError(ChatError):
    """The server's filter left nothing of the reply that could be shown."""


class ReplyInterruptedError(ChatError):
    """The bot was stopped or restarted while it was answering."""


class SamplingError(ChatError):
    """Base of what can be wrong with sampling parameters and presets."""


@dataclass
class SamplingValueError(SamplingError):
    """What was typed is no value that the parameter may have."""

    parameter: str
    typed: str


@dataclass
class SamplingConflictError(SamplingError):
    """The shortest reply would be longer than the longest."""

    min_tokens: int
    max_tokens: int


@dataclass
class NoSuchPresetError(SamplingError):
    """The server has no preset of this name."""

    name: str


@dataclass
class PresetNameError(SamplingError):
    """A preset cannot be called this: too long, empty, or with signs that names do not have."""

    name: str


@dataclass
class TooManyPresetsError(SamplingError):
    """The server has `limit` presets already."""

    limit: int


@dataclass
class PresetFileError(SamplingError):
    """The file is no preset that can be read; `problem` says what is wrong with it."""

    problem: str


class ChannelSettingError(ChatError):
    """Base of what can be wrong with a channel's settings."""


class NothingToSetError(ChannelSettingError):
    """No setting was named."""


@dataclass
class KeywordsError(ChannelSettingError):
    """The keywords cannot be these: `many` of them, one `long`, or `none` at all."""

    problem: str


@dataclass
class RetentionError(ChannelSettingError):
    """What was typed is no number of days that messages may be kept."""

    typed: str


@dataclass
class ServerSettingError(ChannelSettingError):
    """The setting means nothing in direct messages."""

    setting: str


class ApiKeyError(ChatError):
    """Something about the API keys of a server cannot be done."""


@dataclass
class ModelOutsidePlanError(ApiKeyError):
    """None of the keys that answer for a server may use the model."""

    model: str


class KeyFormatError(ApiKeyError):
    """This cannot be an API key."""


class KeyNotAcceptedError(ApiKeyError):
    """The service does not accept the key, so it is not kept."""


@dataclass
class TooManyLendersError(ApiKeyError):
    """As many members of a server lend their keys as may."""

    limit: int


@dataclass
class NoSuchKeyError(ApiKeyError):
    """There is no such key to remove; `whose` tells of which kind."""

    whose: Literal["mine", "member", "server"]


@dataclass
class NothingThereError(ChatError):
    """There is nothing that `action` (undo, stop, ...) could act on."""

    action: str


class StaleControlError(ChatError):
    """The message of this button belongs to something that has changed since."""


class BusyConversationError(ChatError):
    """The conversation cannot be moved elsewhere while a reply to it is being written."""


@dataclass
class TranscriptError(ChatError):
    """What is wrong with a file that is to be taken in, and in which line, where lines matter."""

    fault: TranscriptFault
    line: int | None = None


class PersonaError(ChatError):
    """Something about characters cannot be done."""


@dataclass
class NoSuchPersonaError(PersonaError):
    """There is no character of this name that the person may see."""

    name: str


@dataclass
class TooManyPersonasError(PersonaError):
    """The person, or else the server, has as many characters as they may."""

    limit: int
    own: bool = True


class PersonasReservedError(PersonaError):
    """Only moderators take characters in on this server."""


@dataclass
class CastFullError(PersonaError):
    """So many characters speak in this place, which is the most."""

    limit: int


@dataclass
class AdultPersonaError(PersonaError):
    """The character is for adults and the channel is not age-restricted."""

    name: str


@dataclass
class CardError(ChatError):
    """What is wrong with a file that is to be a character card, and with which field, where fields matter."""

    fault: CardFault
    field: str = ""


class LoreError(ChatError):
    """Something about lorebooks cannot be done."""


@dataclass
class NoSuchLorebookError(LoreError):
    """There is no lorebook of this name."""

    name: str


@dataclass
class TooManyLorebooksError(LoreError):
    """There are `limit` lorebooks already."""

    limit: int


@dataclass
class LorebookError(LoreError):
    """What is wrong with a file that is to be a lorebook."""

    fault: LorebookFault


ThreadRefusal = Literal["full", "tag", "title", "other"]
"""Too many threads are open, no tag is free to be chosen, the title is filtered, or something else."""


class SceneError(ChatError):
    """Something about scenes cannot be done."""


class NoThreadsHereError(SceneError):
    """Nobody can open a thread in this channel."""


@dataclass
class ThreadRightsError(SceneError):
    """The bot, or else the person, lacks these of Discord's permissions in a channel."""

    missing: tuple[str, ...]
    channel: str
    of_person: bool = False


@dataclass
class ThreadRefusedError(SceneError):
    """Discord opens no thread in a channel, although the permissions for it are there."""

    why: ThreadRefusal
    channel: str
