"""What can be made to go wrong from the drawer, with what will happen, and what is on now."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playground.discord import Fault as DiscordFault
from playground.discord import InvalidOptionError

if TYPE_CHECKING:
    from playground.discord import LocalDiscord
    from playground.infermatic import Fault as ApiFault
    from playground.infermatic import FaultKind, KeyState, LocalInfermatic

    JSON = dict[str, Any]

SLOWEST_FIRST_TOKEN_SECONDS = 300.0
FASTEST_TOKENS_PER_SECOND = 100_000.0
MOST_TIMES = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can go wrong."""

    id: str
    label: str
    outcome: str
    """What a person will see, in one sentence."""
    api_kind: FaultKind | None = None
    details: JSON = field(default_factory=dict)
    method: str | None = None
    path: str = ""


API_CHOICES = (
    Choice(
        "overloaded",
        "Overloaded (503)",
        "Once, the bot asks again and nobody notices; twice in a row, it says that the service has a problem.",
        "status",
        {"status": 503},
    ),
    Choice(
        "silent",
        "No first word",
        "The service takes the request and stays silent: the bot goes on typing until /stop or its patience ends that.",
        "stall_first",
    ),
    Choice(
        "stalls",
        "Stops in the middle for 20 s",
        "The reply stands still after a few words and goes on 20 seconds later.",
        "stall",
        {"after_tokens": 12, "seconds": 20},
    ),
    Choice(
        "cut",
        "Breaks off in the middle",
        "The bot keeps the words that came, says that the connection broke off, and offers Retry.",
        "cut",
        {"after_tokens": 20},
    ),
    Choice(
        "minute",
        "Minute used up (429)",
        "The key's minute seems used up: the question gets a ⏳ and its answer when the service allows it again.",
        "minute_limit",
        {"retry_after": 8},
    ),
    Choice(
        "busy",
        "Key busy elsewhere (429)",
        "Somebody else seems to use the key: the question waits with a ⏳ and is answered as soon as the key is free.",
        "parallel_limit",
        {"retry_after": 3},
    ),
    Choice(
        "window",
        "Prompt too long",
        "The service says that only 4,096 tokens fit: the bot learns that, leaves out the oldest turns and asks again.",
        "context_window",
        {"limit": 4096},
    ),
    Choice("empty", "Empty answer", "The service answers without a word: the bot says so and offers Retry.", "empty"),
    Choice(
        "garbage",
        "Broken data",
        "A part of the stream is no JSON: the bot keeps the words before it and says that it could not read the rest.",
        "garbage",
        {"after_tokens": 12},
    ),
    Choice(
        "refused",
        "Key refused (401)",
        "Once, the bot asks again; twice, it says that its key is not accepted and that whoever runs it has to look.",
        "unauthorized_once",
    ),
)

DISCORD_CHOICES = (
    Choice(
        "edits_fail",
        "Edits fail (500)",
        "Streamed text stands still; the bot tries again and the whole reply is there in the end.",
        details={"status": 500},
        method="PATCH",
        path="/messages/",
    ),
    Choice(
        "posts_fail",
        "Posts fail (500)",
        "New messages of the bot do not arrive at first; it tries again.",
        details={"status": 500},
        method="POST",
        path=r"/messages$|^/webhooks/\d+/[^/]+$",
    ),
    Choice(
        "no_webhooks",
        "Webhooks refused (403)",
        "A character that gets no webhook speaks as the bot, under a bold line with its name.",
        details={"code": 50013},
        method="POST",
        path="/webhooks$",
    ),
    Choice(
        "limited",
        "Rate limited (429)",
        "Discord asks the bot to wait 3 seconds before it edits on; no word is lost.",
        details={"status": 429, "headers": {"Retry-After": "3"}},
        method="PATCH",
        path="/messages/",
    ),
    Choice(
        "slow",
        "Slow answers (1.5 s)",
        "Every answer of Discord comes 1.5 seconds late: edits come in fewer, longer steps.",
        details={"delay": 1.5},
    ),
)

_CHOICES = {choice.id: choice for choice in (*API_CHOICES, *DISCORD_CHOICES)}


@dataclass(slots=True)
class _Waiting:
    number: int
    choice: Choice
    fault: ApiFault | DiscordFault


class Trouble:
    """Faults, the models' speed and the key's limits; everything can be taken back."""

    def __init__(self, world: LocalDiscord, infermatic: LocalInfermatic | None, api_key: str | None) -> None:
        self._world = world
        self._infermatic = infermatic
        self.key: KeyState | None = infermatic.keys.get(api_key or "") if infermatic else None
        self._numbers = itertools.count(1)
        self._added: list[_Waiting] = []
        self._usual_speed = self._speed()
        self._usual_limits = self._limits()

    def view(self) -> JSON:
        """Return what can be done and what is on."""
        speed, limits = self._speed(), self._limits()
        return {
            "api_choices": [_choice_view(choice) for choice in API_CHOICES] if self._infermatic else [],
            "discord_choices": [_choice_view(choice) for choice in DISCORD_CHOICES],
            "faults": [_waiting_view(waiting) for waiting in self._waiting()],
            "speed": {**speed, "changed": speed != self._usual_speed} if self._infermatic else None,
            "key": {**limits, "changed": limits != self._usual_limits} if self.key else None,
        }

    def add_fault(self, choice_id: str, times: Any) -> None:
        """Let something go wrong so many times, or until taken back (None)."""
        choice = _CHOICES.get(choice_id)
        if choice is None or (choice.api_kind and self._infermatic is None):
            raise InvalidOptionError("That cannot go wrong here")
        count = None if times is None else int(_number(times, "How often", 1, MOST_TIMES))
        fault: ApiFault | DiscordFault
        if choice.api_kind and self._infermatic:
            fault = self._infermatic.faults.add(choice.api_kind, times=count, **choice.details)
        else:
            fault = self._world.faults.add(choice.method, choice.path, times=count, **choice.details)
        self._added.append(_Waiting(next(self._numbers), choice, fault))

    def remove_fault(self, number: int) -> None:
        """Take a fault back; one that has struck for the last time is gone already."""
        for waiting in [waiting for waiting in self._added if waiting.number == number]:
            self._take_back(waiting)

    def set_speed(self, first_token_seconds: Any, tokens_per_second: Any) -> None:
        """Say how long the models think before the first token and how fast they write."""
        if self._infermatic:
            first = _number(first_token_seconds, "First token", 0, SLOWEST_FIRST_TOKEN_SECONDS)
            speed = _number(tokens_per_second, "Tokens a second", 0.1, FASTEST_TOKENS_PER_SECOND)
            self._infermatic.first_token_seconds, self._infermatic.tokens_per_second = first, speed

    def set_limits(self, requests_per_minute: Any, parallel_requests: Any) -> None:
        """Say what the bot's key may."""
        if self.key:
            minute = int(_number(requests_per_minute, "Requests a minute", 1, 10_000))
            parallel = int(_number(parallel_requests, "Requests at once", 1, 1000))
            self.key.requests_per_minute, self.key.parallel_requests = minute, parallel

    def usual_speed(self) -> None:
        """Take the change of speed back."""
        if self._infermatic:
            self._infermatic.first_token_seconds = self._usual_speed["first_token_seconds"]
            self._infermatic.tokens_per_second = self._usual_speed["tokens_per_second"]

    def usual_limits(self) -> None:
        """Take the change of the key's limits back."""
        if self.key:
            self.key.requests_per_minute = self._usual_limits["requests_per_minute"]
            self.key.parallel_requests = self._usual_limits["parallel_requests"]

    def clear(self) -> None:
        """Take everything back."""
        for waiting in list(self._added):
            self._take_back(waiting)
        self.usual_speed()
        self.usual_limits()

    def _waiting(self) -> list[_Waiting]:
        """Return the faults that still lie in wait, and forget the others."""
        alive: list[ApiFault | DiscordFault] = [*self._world.faults.all]
        alive += self._infermatic.faults.waiting if self._infermatic else []
        self._added = [waiting for waiting in self._added if any(waiting.fault is fault for fault in alive)]
        return self._added

    def _take_back(self, waiting: _Waiting) -> None:
        self._added.remove(waiting)
        if isinstance(waiting.fault, DiscordFault):
            self._world.faults.remove(waiting.fault)
        elif self._infermatic:
            self._infermatic.faults.remove(waiting.fault)

    def _speed(self) -> JSON:
        api = self._infermatic
        if api is None:
            return {}
        return {"first_token_seconds": api.first_token_seconds, "tokens_per_second": api.tokens_per_second}

    def _limits(self) -> JSON:
        key = self.key
        if key is None:
            return {}
        return {"requests_per_minute": key.requests_per_minute, "parallel_requests": key.parallel_requests}


def _choice_view(choice: Choice) -> JSON:
    return {"id": choice.id, "label": choice.label, "outcome": choice.outcome}


def _waiting_view(waiting: _Waiting) -> JSON:
    fault = waiting.fault
    if isinstance(fault, DiscordFault):
        left = None if fault.times is None else fault.times - fault.hits
    else:
        left = fault.remaining
    return {**_choice_view(waiting.choice), "number": waiting.number, "left": left, "struck": fault.hits}


def _number(value: Any, name: str, least: float, most: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not least <= number <= most:
        raise InvalidOptionError(f"{name}: from {least:g} to {most:g}")
    return number
