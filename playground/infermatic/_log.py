"""What the local Infermatic remembers of each request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KEPT_REQUESTS = 10_000
"""A demo may run for days: older requests are forgotten."""


@dataclass(slots=True)
class ApiRequest:
    """One request as it arrived, and what became of it."""

    method: str
    path: str
    body: dict[str, Any]
    key: str | None = field(repr=False)
    at: float  # time.monotonic()
    status: int | None = None
    finished_at: float | None = None
    first_token_at: float | None = None  # of a stream; None while there is none
    ended: str = (
        ""  # "" while it runs, then "complete", "left" (by the client), "cut" (by a fault) or "stopped" (by us)
    )
    text: str = ""  # what the whole answer would say, all choices
    stream: bool = False
    number: int = 0  # counted from the start of the server, also past what is kept

    @property
    def model(self) -> str | None:
        """The model that was asked for."""
        model = self.body.get("model")
        return model if isinstance(model, str) else None
