"""The API keys that answer: which are usable, and which models are given a pause."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chat.errors import ChatError, ModelOutsidePlanError, NoKeyError, ServiceDownError
from infermatic_client import InfermaticClient, Slot

FAILURES_TO_OPEN = 5  # a single failure is retried by the client; five in a row are an outage
PROBE_AFTER_SECONDS = 30.0
REFUSALS_TO_MARK = 3  # valid keys were seen to be refused now and then, so one refusal is no proof
REFUSED_SECONDS = (
    600.0  # a refused key is tried again after this, so that a mended plan needs no restart; so is a model
)


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: float = 0.0


@dataclass(eq=False, slots=True)
class Key:
    """One API key with the client that speaks for it; without a server it is the operator's."""

    client: InfermaticClient
    guild_id: int | None = None
    lender_id: int | None = None  # the member who lends it to the server
    refusals: int = 0
    refused_until: float = 0.0
    circuits: dict[str, _Circuit] = field(default_factory=dict)
    denied_until: dict[str, float] = field(default_factory=dict)  # models that its plan lacks

    @property
    def is_operators(self) -> bool:
        """Whether it answers for every server that has none of its own."""
        return self.guild_id is None


@dataclass(frozen=True, slots=True)
class Grant:
    """A key and the slot on it that a request may use; a key without limits has no slots to hand out."""

    key: Key
    slot: Slot | None

    def give_back(self) -> None:
        """Return a slot that no request was made with."""
        if self.slot is not None:
            self.slot.give_back()


class Pools(Protocol):
    """Which keys answer for whom."""

    async def ready(self, guild_id: int | None) -> None:
        """Know the keys that answer for a server; None: for direct messages."""

    def of(self, guild_id: int | None) -> "KeyPool":
        """Those keys."""

    def add_listener(self, callback: Callable[[], None]) -> None:
        """Have `callback` called whenever a slot of any key may have become free."""


class KeyPool:
    """The operator's keys. `on_refused` is called once for each key that the service stopped accepting.

    Where there are no other pools, it is the pool of everyone.
    """

    def __init__(
        self,
        clients: Sequence[InfermaticClient],
        *,
        clock: Callable[[], float] = time.monotonic,
        on_refused: Callable[[int], None] | None = None,
    ) -> None:
        self._keys = [Key(client) for client in clients]
        self._clock = clock
        self.on_refused = on_refused

    async def ready(self, _guild_id: int | None) -> None:
        """There is nothing to wait for."""

    def of(self, _guild_id: int | None) -> "KeyPool":
        """These keys."""
        return self

    @property
    def keys(self) -> list[Key]:
        """All of them."""
        return self._keys

    @property
    def usable(self) -> list[Key]:
        """The keys that the service has not refused for good."""
        now = self._clock()
        return [key for key in self.keys if key.refused_until <= now]

    def any_client(self) -> InfermaticClient:
        """A client for what costs no slot (models, token counts). Raises `NoKeyError`."""
        for key in self.usable or self.keys:
            return key.client
        raise NoKeyError

    def has_lender(self, user_id: int) -> bool:
        """Whether this person lends a key that is usable."""
        return any(key.lender_id == user_id for key in self.usable)

    def meets(self, other: "KeyPool") -> bool:
        """Whether some key belongs to both pools, so that whoever waits for one may wait for the other."""
        return self is other or any(key in other.keys for key in self.keys)

    def obstacle(self, model: str) -> ChatError | None:
        """Why waiting for a key for this model would be in vain, if it would."""
        if not self.usable:
            return NoKeyError(refused=bool(self.keys))
        if not self._able(model):
            return ModelOutsidePlanError(model)
        if (pause := self.pause_left(model)) > 0:
            return ServiceDownError(pause)
        return None

    def take(self, model: str, lender_id: int | None = None) -> Grant | None:
        """A free slot on a key that answers for this model, if there is one now; of a lender: on the key they lend."""
        able = [key for key in self._able(model) if lender_id is None or key.lender_id == lender_id]
        for key in sorted(able, key=lambda key: key.refusals):  # one that was refused just now comes last
            if self._pause_left(key, model) > 0:
                continue
            limits = key.client.limits
            if limits is None:
                return Grant(key, None)
            if (slot := limits.try_acquire()) is not None:
                return Grant(key, slot)
        return None

    def pause_left(self, model: str) -> float:
        """Seconds until some key may be asked for this model again; 0 when one may now."""
        return min((self._pause_left(key, model) for key in self._able(model)), default=0.0)

    def seconds_until_free(self, model: str) -> float:
        """Seconds until some usable key may be asked for this model; infinite when a request must end before."""
        return min((self._seconds_until_free(key, model) for key in self._able(model)), default=0.0)

    def add_listener(self, callback: Callable[[], None]) -> None:
        """Have `callback` called whenever a slot may have become free."""
        for key in self.keys:
            if key.client.limits is not None:
                key.client.limits.add_listener(callback)

    def succeeded(self, key: Key, model: str) -> None:
        """The service answered: whatever was held against key and model is forgotten."""
        key.refusals = 0
        key.circuits.pop(model, None)

    def failed(self, key: Key, model: str) -> None:
        """The service failed to answer (not: refused the request)."""
        circuit = key.circuits.setdefault(model, _Circuit())
        circuit.failures += 1
        if circuit.failures >= FAILURES_TO_OPEN:
            circuit.open_until = self._clock() + PROBE_AFTER_SECONDS

    def was_refused(self, key: Key) -> None:
        """The service did not accept the key itself."""
        key.refusals += 1
        if key.refusals < REFUSALS_TO_MARK:
            return
        key.refused_until = self._clock() + REFUSED_SECONDS
        if key.refusals == REFUSALS_TO_MARK:
            self.report_refused(key)

    def denied(self, key: Key, model: str) -> bool:
        """The service does not let this key use the model; whether another key of the pool may."""
        key.denied_until[model] = self._clock() + REFUSED_SECONDS
        return bool(self._able(model))

    def report_refused(self, key: Key) -> None:
        """Tell whoever waits to hear of it."""
        if self.on_refused is not None and key in self._keys:
            self.on_refused(self._keys.index(key))

    def _able(self, model: str) -> list[Key]:
        now = self._clock()
        return [key for key in self.usable if key.denied_until.get(model, 0.0) <= now]

    def _seconds_until_free(self, key: Key, model: str) -> float:
        limits = key.client.limits
        return max(self._pause_left(key, model), limits.seconds_until_free() if limits is not None else 0.0)

    def _pause_left(self, key: Key, model: str) -> float:
        circuit = key.circuits.get(model)
        return max(0.0, circuit.open_until - self._clock()) if circuit else 0.0
