"""What can go wrong between a person's message and the model's answer.

    ChatError
    ├── NoKeyError              no API key is set, or every key was refused by the service
    ├── NoModelError            neither a model was chosen nor one is known to be served
    ├── ModelGoneError          the chosen model is not served any more and no fallback is
    ├── NoSuchModelError        the name that somebody typed is none of a model that is served
    ├── QueueTooLongError       the expected wait is longer than anyone would wait
    ├── ServiceDownError        the service failed several times in a row and is given a pause
    ├── EmptyReplyError         the model answered with nothing to show
    ├── ReplyInterruptedError   the bot stopped while it was answering
    ├── NothingThereError       there is no turn, reply or conversation that the command could act on
    └── StaleControlError       the button belongs to something that has changed meanwhile

Errors of the API itself are those of `infermatic_client`. All carry data; their words are the surface's business.
"""

from dataclasses import dataclass


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
class NoSuchModelError(ChatError):
    """No model that is served has the name that somebody typed."""

    name: str


@dataclass
class QueueTooLongError(ChatError):
    """The expected wait is longer than the limit for waiting."""

    expected_seconds: float


@dataclass
class ServiceDownError(ChatError):
    """The service failed several times in a row; it is asked again after `retry_after` seconds."""

    retry_after: float


@dataclass
class EmptyReplyError(ChatError):
    """The model's answer has no text; `only_reasoning` tells that it thought but never spoke."""

    only_reasoning: bool = False


class ReplyInterruptedError(ChatError):
    """The bot was stopped or restarted while it was answering."""


@dataclass
class NothingThereError(ChatError):
    """There is nothing that `action` (undo, stop, ...) could act on."""

    action: str


class StaleControlError(ChatError):
    """The message of this button belongs to something that has changed since."""
