"""Faults that a test injects into the REST API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playground.discord.errors import api_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from playground.discord._requests import RestRequest


@dataclass(eq=False, slots=True)
class Fault:
    """One thing that goes wrong for matching requests."""

    method: str | None
    pattern: re.Pattern[str]
    status: int | None
    json: Any
    headers: dict[str, str]
    delay: float
    cut: bool
    after: bool
    times: int | None
    when: Callable[[RestRequest], bool] | None
    hits: int = 0
    requests: list[RestRequest] = field(default_factory=list, repr=False)
    """The requests it struck."""

    @property
    def spent(self) -> bool:
        """Whether it has struck as often as it should."""
        return self.times is not None and self.hits >= self.times

    def matches(self, request: RestRequest) -> bool:
        """Say whether it strikes this request."""
        return (
            not self.spent
            and self.method in {None, request.method}
            and self.pattern.search(request.path) is not None
            and (self.when is None or self.when(request))
        )

    def answer(self) -> tuple[int, Any, dict[str, str]]:
        """Give status, body and headers of the failure."""
        status = self.status or 500
        if status != 429:
            return (
                status,
                self.json if self.json is not None else {"message": f"{status}: fault", "code": 0},
                self.headers,
            )
        body = self.json
        if body is None:
            body = {
                "message": "You are being rate limited.",
                "retry_after": float(self.headers.get("Retry-After", "1")),
                "global": self.headers.get("X-RateLimit-Global") == "true",
            }
        # Without Via, discord.py takes a 429 for a ban by the proxy in front of Discord.
        return status, body, {"Via": "1.1 google", "Retry-After": "1"} | self.headers


class Faults:
    """The faults that lie in wait, first added first struck."""

    def __init__(self) -> None:
        self.all: list[Fault] = []

    def add(
        self,
        method: str | None = None,
        path_regex: str = "",
        *,
        status: int | None = None,
        code: int | None = None,
        json: Any = None,
        headers: dict[str, str] | None = None,
        delay: float = 0.0,
        cut: bool = False,
        after: bool = False,
        times: int | None = 1,
        when: Callable[[RestRequest], bool] | None = None,
    ) -> Fault:
        """Let the next `times` matching requests fail (None: all of them).

        They are answered with `status` (and `json`, `headers`), or with one of Discord's error codes, or their
        connection is `cut`, or they are only delayed.
        `after`: the action happens first, then the failure is answered. A 429 gets Discord's usual body and headers
        unless told otherwise; `headers={"Via": ""}` makes it look like a ban.
        aiohttp's client repeats a cut GET, PUT or DELETE once by itself.
        """
        if code is not None:
            error = api_error(code)
            status, json = status or error.status, json or error.payload()
        fault = Fault(method, re.compile(path_regex), status, json, headers or {}, delay, cut, after, times, when)
        self.all.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take a fault back."""
        if fault in self.all:
            self.all.remove(fault)

    def clear(self) -> None:
        """Take all faults back."""
        self.all.clear()

    def strike(self, request: RestRequest) -> Fault | None:
        """Find the fault for a request and count it."""
        for fault in self.all:
            if fault.matches(request):
                fault.hits += 1
                fault.requests.append(request)
                if fault.spent:
                    self.all.remove(fault)
                return fault
        return None
