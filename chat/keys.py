"""The API keys that answer: which are usable, and which models are given a pause."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chat.errors import NoKeyError
from infermatic_client import InfermaticClient, Slot

FAILURES_TO_OPEN = 5  # a single failure is retried by the client; five in a row are an outage
PROBE_AFTER_SECONDS = 30.0
REFUSALS_TO_MARK = 3  # valid keys were seen to be refused now and then, so one refusal is no proof
REFUSED_SECONDS = 600.0  # a refused key is tried again after this, so that a mended plan needs no restart


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: float = 0.0


@dataclass(slots=True)
class Key:
    """One API key with the client that speaks for it."""

    client: InfermaticClient
    refusals: int = 0
    refused_until: float = 0.0
    circuits: dict[str, _Circuit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grant:
    """A key and the slot on it that a request may use; a key without limits has no slots to hand out."""

    key: Key
    slot: Slot | None

    def give_back(self) -> None:
        """Return a slot that no request was made with."""
        if self.slot is not None:
            self.slot.give_back()


class KeyPool:
    """The operator's keys. `on_refused` is called once for each key that the service stopped accepting."""

    def __init__(
        self,
        clients: Sequence[InfermaticClient],
        *,
        clock: Callable[[], float] = time.monotonic,
        on_refused: Callable[[int], None] | None = None,
    ) -> None:
        self.keys = [Key(client) for client in clients]
        self._clock = clock
        self.on_refused = on_refused

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

    def take(self, model: str) -> Grant | None:
        """A free slot on a key that answers for this model, if there is one now."""
        for key in sorted(self.usable, key=lambda key: key.refusals):  # one that was refused just now comes last
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
        return min((self._pause_left(key, model) for key in self.usable), default=0.0)

    def seconds_until_free(self, model: str) -> float:
        """Seconds until some usable key may be asked for this model; infinite when a request must end before."""
        return min((self._seconds_until_free(key, model) for key in self.usable), default=0.0)

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
        if key.refusals == REFUSALS_TO_MARK and self.on_refused is not None:
            self.on_refused(self.keys.index(key))

    def _seconds_until_free(self, key: Key, model: str) -> float:
        limits = key.client.limits
        return max(self._pause_left(key, model), limits.seconds_until_free() if limits is not None else 0.0)

    def _pause_left(self, key: Key, model: str) -> float:
        circuit = key.circuits.get(model)
        return max(0.0, circuit.open_until - self._clock()) if circuit else 0.0
