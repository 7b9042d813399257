"""Faults on demand: what to spoil, for which requests, how often.

| kind | what happens | details |
|---|---|---|
| status | an error answer with its recorded body | status=503, body=None, headers=None, retry_after=None |
| parallel_limit, minute_limit | the key's own 429 | retry_after=None |
| unauthorized_once | the 401 of an unknown key, although the key is known | |
| context_window | the 400 of a context window that is too small | limit=8192 |
| html_502, plain_500, empty_500 | answers that are not JSON | |
| timeout | the gateway's 408 | seconds=0 |
| drop_connection | the connection is closed before any answer | |
| stall_first | silence before any text; a chat stream's headers come first | seconds=None (until the client leaves) |
| stall | nothing for a while in mid-stream | after_tokens=3, seconds=None |
| slow | another speed | tokens_per_second=2 |
| cut | the connection breaks in mid-stream: a chunked body without its end | after_tokens=3 |
| close | a body without chunks or length just ends, which looks like a clean end | after_tokens=3 |
| upstream_cut | the connection behind the gateway breaks (see upstream_* below) | after_tokens=3 |
| made_up_finish | the model server's flat error event: `stop` under another id in chats | after_tokens=3 |
| error_frame | the model server's nested error event: an error frame | after_tokens=3, message=... |
| upstream_end | the model server's stream ends without a finish: a made-up `stop` | after_tokens=3 |
| no_done | the stream ends after the finish, without [DONE] | |
| empty | no text at all, finish `stop` | |
| null_content, empty_choices | an answer whose content is null, whose choices are [] | |
| garbage | broken JSON inside an event | after_tokens=3 |
| invalid_utf8, lone_surrogate, nul | characters that databases refuse | after_tokens=3 |
| huge_line | one line of many bytes | after_tokens=3, size=2 MiB |
| endless | text without end, whatever max_tokens says | |
| duplicate_finish | the finish comes twice | |
| crlf, comments, split_bytes | line ends, keep-alive comments, and events torn at every byte | |

How the gateway passes on what goes wrong behind it differs: a chat in 1.66.3 turns a cut into an error frame, one in
1.83.14 into a plain `stop` and [DONE]; a text stream turns all but a clean end into an error frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

FaultKind = Literal[
    "status",
    "parallel_limit",
    "minute_limit",
    "unauthorized_once",
    "context_window",
    "html_502",
    "plain_500",
    "empty_500",
    "timeout",
    "drop_connection",
    "stall_first",
    "stall",
    "slow",
    "cut",
    "close",
    "upstream_cut",
    "made_up_finish",
    "error_frame",
    "upstream_end",
    "no_done",
    "empty",
    "null_content",
    "empty_choices",
    "garbage",
    "invalid_utf8",
    "lone_surrogate",
    "nul",
    "huge_line",
    "endless",
    "duplicate_finish",
    "crlf",
    "comments",
    "split_bytes",
]

FAULT_KINDS: tuple[str, ...] = get_args(FaultKind)

DEFAULT_AFTER_TOKENS = 3


@dataclass(slots=True)
class Fault:
    """One fault that waits for its requests."""

    kind: FaultKind
    remaining: int | None
    model: str | None
    path: str | None
    details: dict[str, Any] = field(default_factory=dict)
    hits: int = 0

    @property
    def after_tokens(self) -> int:
        """How much text comes before the fault."""
        return int(self.details.get("after_tokens", DEFAULT_AFTER_TOKENS))

    @property
    def seconds(self) -> float | None:
        """How long it lasts; None is until the client leaves."""
        value = self.details.get("seconds")
        return None if value is None else float(value)


class Faults:
    """The faults that wait, in the order in which they were added."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(
        self,
        kind: FaultKind,
        times: int | None = 1,
        model: str | None = None,
        path: str | None = None,
        **details: Any,
    ) -> Fault:
        """Spoil the next `times` requests (None: all) to the model and path (None: any that generates)."""
        if kind not in FAULT_KINDS:
            msg = f"unknown kind of fault {kind!r}; there are {', '.join(FAULT_KINDS)}"
            raise ValueError(msg)
        fault = Fault(kind, times, model, path, details)
        self._waiting.append(fault)
        return fault

    @property
    def waiting(self) -> list[Fault]:
        """The faults that wait, first added first."""
        return list(self._waiting)

    def remove(self, fault: Fault) -> None:
        """Take one fault back; one that has struck for the last time is gone already."""
        self._waiting = [other for other in self._waiting if other is not fault]

    def clear(self) -> None:
        """Forget all faults that wait."""
        self._waiting.clear()

    def take(self, path: str, model: str | None) -> Fault | None:
        """Return the fault for a request, if one waits, and count it."""
        for fault in self._waiting:
            if fault.model in {None, model} and _path_fits(fault.path, path):
                fault.hits += 1
                if fault.remaining is not None:
                    fault.remaining -= 1
                    if fault.remaining <= 0:
                        self._waiting.remove(fault)
                return fault
        return None


def _path_fits(wanted: str | None, path: str) -> bool:
    if wanted is None:
        return path in {"/v1/chat/completions", "/v1/completions", "/v1/embeddings"}
    return path == wanted
