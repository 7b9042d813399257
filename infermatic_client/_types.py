"""What is sent and what comes back, as typed structs; fields the server adds are ignored."""

from typing import Literal

import msgspec

__all__ = [
    "ChatChoice",
    "ChatCompletion",
    "ChatDelta",
    "ChatMessage",
    "Completion",
    "CompletionChoice",
    "CompletionDelta",
    "Embedding",
    "Embeddings",
    "ImagePart",
    "ImageURL",
    "Message",
    "Model",
    "Role",
    "TextPart",
    "Timeouts",
    "TokenCount",
    "Usage",
]

Role = Literal["system", "user", "assistant"]


class TextPart(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """A piece of text in a message made of parts."""

    text: str


class ImageURL(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where an image is: an address, or ``data:image/png;base64,...``."""

    url: str
    detail: str | None = None


class ImagePart(msgspec.Struct, frozen=True, tag_field="type", tag="image_url"):
    """An image in a message made of parts; only some models see images."""

    image_url: ImageURL


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of a conversation; ``content`` is text or parts (text and images)."""

    role: Role
    content: str | list[TextPart | ImagePart]
    name: str | None = None


class Model(msgspec.Struct, frozen=True):
    """A model the key may use; ``owned_by`` says nothing (always "openai" in both recorded versions)."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = ""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one request, as the server counted them; with ``n`` > 1 the sum of all choices."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class ChatMessage(msgspec.Struct, frozen=True):
    """The model's message; ``content`` may be null, reasoning may stand apart from it."""

    role: str = "assistant"
    content: str | None = None
    reasoning_content: str | None = None


class ChatChoice(msgspec.Struct, frozen=True):
    """One of the ``n`` answers; ``finish_reason`` is stop, length, content_filter or tool_calls."""

    message: ChatMessage = ChatMessage()
    index: int = 0
    finish_reason: str | None = None

    @property
    def text(self) -> str:
        """The visible text, empty when there is none."""
        return self.message.content or ""

    @property
    def reasoning(self) -> str:
        """What the server separated as reasoning; inline ``<think>`` stays in the text."""
        return self.message.reasoning_content or ""


class ChatCompletion(msgspec.Struct, frozen=True):
    """A whole chat answer. ``choices`` may be empty, ``model`` may be another name than was asked for."""

    choices: list[ChatChoice]
    id: str = ""
    model: str = ""
    created: int = 0
    usage: Usage | None = None
    request_id: str | None = None

    @property
    def text(self) -> str:
        """The first choice's visible text, empty when there is none."""
        return self.choices[0].text if self.choices else ""

    @property
    def reasoning(self) -> str:
        """The first choice's separated reasoning."""
        return self.choices[0].reasoning if self.choices else ""

    @property
    def finish_reason(self) -> str | None:
        """Why the first choice ended; "length" means cut off at ``max_tokens``."""
        return self.choices[0].finish_reason if self.choices else None


class CompletionChoice(msgspec.Struct, frozen=True):
    """One of the answers to a text prompt."""

    text: str | None = None
    index: int = 0
    finish_reason: str | None = None


class Completion(msgspec.Struct, frozen=True):
    """A whole text completion; ``choices`` may be empty."""

    choices: list[CompletionChoice]
    id: str = ""
    model: str = ""
    created: int = 0
    usage: Usage | None = None
    request_id: str | None = None

    @property
    def text(self) -> str:
        """The first choice's text, empty when there is none."""
        return (self.choices[0].text or "") if self.choices else ""

    @property
    def finish_reason(self) -> str | None:
        """Why the first choice ended; "length" means cut off at ``max_tokens``."""
        return self.choices[0].finish_reason if self.choices else None


class ChatDelta(msgspec.Struct, frozen=True, gc=False):
    """What one chunk adds to the choice ``index``; never wholly empty."""

    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    index: int = 0


class CompletionDelta(msgspec.Struct, frozen=True, gc=False):
    """What one chunk adds to a text completion; never wholly empty."""

    text: str = ""
    finish_reason: str | None = None


class TokenCount(msgspec.Struct, frozen=True):
    """The gateway's estimate, in tokens.

    LiteLLM 1.66.3 and 1.83.14 count the same messages as 5 and 16; an unknown model gets a guess.
    ``tokenizer_type`` tells which tokenizer was used.
    """

    total_tokens: int
    request_model: str = ""
    model_used: str = ""
    tokenizer_type: str = ""


class Embedding(msgspec.Struct, frozen=True):
    """One input's vector, ``index`` its place in the input."""

    embedding: list[float]
    index: int = 0


class Embeddings(msgspec.Struct, frozen=True):
    """The vectors of all inputs; ``intfloat-multilingual-e5-base`` gives 768 floats each."""

    data: list[Embedding]
    model: str = ""
    usage: Usage | None = None
    request_id: str | None = None

    @property
    def vectors(self) -> list[list[float]]:
        """The vectors in the order of the input."""
        return [item.embedding for item in sorted(self.data, key=lambda item: item.index)]


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait, in seconds, for each step of a request.

    ``connect_seconds``: DNS, TCP and TLS. ``first_byte_seconds``: from sending a request until a stream's first
    words, or until the whole answer for what is quick (models, token counts, embeddings). ``between_chunks_seconds``:
    silence inside a stream; the gateway sends no keep-alives. ``total_seconds``: everything, which is the only limit
    besides connecting of an answer that is not streamed, because it comes only when the model has finished.
    """

    connect_seconds: float = 10.0
    first_byte_seconds: float = 60.0
    between_chunks_seconds: float = 30.0
    total_seconds: float = 600.0

    def __post_init__(self) -> None:
        """Refuse what is not a positive number of seconds."""
        for name in self.__struct_fields__:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0")
