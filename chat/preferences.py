"""The settings of a conversation: their names, defaults, and how they become sampling parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from infermatic_client import Sampling
from storage import Resolved, Scope

ReplyStyle = Literal["plain", "embed"]

# Some models of the service write token salad without any sampler settings; these two mend it.
DEFAULT_SAMPLING: Mapping[str, Any] = {"max_tokens": 400, "temperature": 0.8, "min_p": 0.05}
CHANNEL_DEFAULTS: Mapping[str, Any] = {
    "trigger": "mention",
    "trigger_since": 0.0,  # when that was set, in seconds: nobody expects an answer to what was said before
    "keywords": [],
    "history_scope": "channel",
    "swipe_rights": "asker",
    "retention_days": None,
    "reply_style": "plain",
    "persona": None,  # the id of the one that speaks here
    "persona_before": None,  # where the conversation stood when characters came: [its owner, a message]
    "cast": [],  # the ids of those that speak beside it
    "cast_order": "natural",  # who of them answers, when nobody is called
    "persona_turns": 0,  # how often personas answer personas after something that people said
}
SAMPLING_NAMES = tuple(Sampling.__struct_fields__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is: the scopes that hold there, the nearest first."""

    guild_id: int | None
    scopes: tuple[Scope, ...]

    @property
    def here(self) -> Scope:
        """The thread, or else the channel: what is set, is set for it."""
        return self.scopes[0]

    @property
    def whole(self) -> Scope:
        """The server; a direct message is on its own."""
        return self.scopes[-1] if self.guild_id is None else Scope("guild", self.guild_id)


def operator_defaults(system_prompt: str, default_model: str) -> dict[str, Any]:
    """What holds where nobody has set anything."""
    unset = dict.fromkeys(SAMPLING_NAMES)
    return {
        **unset,
        **DEFAULT_SAMPLING,
        **CHANNEL_DEFAULTS,
        "system_prompt": system_prompt,
        "model": default_model or None,
    }


def sampling(resolved: Resolved, **overrides: Any) -> Sampling:
    """The sampling parameters that the settings ask for."""
    values = {name: resolved[name].value for name in SAMPLING_NAMES}
    values.update({name: value for name, value in overrides.items() if value is not None})
    return consistent(values)


def consistent(values: Mapping[str, Any]) -> Sampling:
    """The parameters; scopes that know nothing of each other may ask for a shortest reply above the longest."""
    chosen = {name: value for name, value in values.items() if value is not None}
    if "min_tokens" in chosen and "max_tokens" in chosen:
        chosen["min_tokens"] = min(chosen["min_tokens"], chosen["max_tokens"])
    return Sampling(**chosen)
