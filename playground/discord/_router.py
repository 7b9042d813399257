"""The table of REST routes, built once when the modules that hold them are imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable

    from playground.discord._call import Call

    Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path with names in braces."""

    method: str
    template: str
    handler: Handler
    needs_token: bool
    segments: tuple[str, ...]

    @property
    def is_interaction(self) -> bool:
        """Whether interactions are answered here, which no global limit counts."""
        return self.template.startswith("/interactions/")


class Routes:
    """Collects routes by decorator and finds them by path."""

    def __init__(self) -> None:
        self._by_length: dict[int, list[Route]] = {}

    def add(self, method: str, template: str, *, needs_token: bool = True) -> Callable[[Handler], Handler]:
        """Register the decorated function; it takes a Call and returns JSON, a Reply, or None for 204."""

        def register(handler: Handler) -> Handler:
            route = Route(method, template, handler, needs_token, tuple(template.strip("/").split("/")))
            found = self._by_length.setdefault(len(route.segments), [])
            found.append(route)
            # A path that is written out wins over one with names: /users/@me over /users/{user_id}.
            found.sort(key=lambda r: [s.startswith("{") for s in r.segments])
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str], bool]:
        """Give the route with its parameters, and whether the path exists at all."""
        segments = [unquote(s) for s in path.strip("/").split("/")]
        known = False
        for route in self._by_length.get(len(segments), ()):
            parameters = _match(route.segments, segments)
            if parameters is None:
                continue
            if route.method == method:
                return route, parameters, True
            known = True
        return None, {}, known


def _match(template: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for expected, actual in zip(template, segments, strict=True):
        if expected[0] == "{":
            parameters[expected[1:-1]] = actual
        elif expected != actual:
            return None
    return parameters


routes = Routes()
"""All REST routes; the `_rest_*` modules fill it."""
