"""What the bot asked of the REST API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

KEPT_REQUESTS = 20_000
"""A demo may run for days: older requests are forgotten."""


@dataclass(slots=True)
class RestRequest:
    """One request; `status` is None until it is answered, and stays so when the connection was cut."""

    method: str
    path: str
    """Without /api/v10, with real ids; files are below /cdn."""
    route: str
    """The same with names in place of ids, for example /channels/{channel_id}/messages."""
    body: Any
    at: float
    """Monotonic seconds of its arrival."""
    headers: dict[str, str] = field(repr=False)
    query: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    finished_at: float | None = None
    answer: Any = field(default=None, repr=False)


class RequestLog:
    """The requests in the order of their arrival."""

    def __init__(self) -> None:
        self.all: list[RestRequest] = []

    def add(self, request: RestRequest) -> None:
        """Remember a request."""
        self.all.append(request)
        if len(self.all) > KEPT_REQUESTS:
            del self.all[: KEPT_REQUESTS // 2]

    def find(self, method: str | None, path_regex: str) -> list[RestRequest]:
        """Give the requests of a method whose path contains a match."""
        pattern = re.compile(path_regex)
        return [r for r in self.all if method in {None, r.method} and pattern.search(r.path)]
