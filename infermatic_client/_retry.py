"""Which failures are worth another try, and after how long; pure.

The gateway itself tries the model's server three times (a 503 took 21 s, a 429 27 s, recorded), so own tries are few.
"""

import random
from collections.abc import Callable
from typing import Final

from ._errors import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    InfermaticError,
    RateLimitError,
    ResponseFormatError,
    ServerError,
    StreamInterruptedError,
)

# A moment for a restarting worker, and an end to doubling well before people give up.
MIN_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 8.0
# Valid keys were seen to answer 401 now and then; one more try, after a pause, tells such a one from a bad key.
AUTHENTICATION_PAUSE_SECONDS = 1.0
# A server's Retry-After is kept up to here; whoever would have to wait longer is told instead.
LONGEST_OBEYED_SECONDS: Final = 60.0
# For the parallel limit the gateway names 60 s, though the other request may end any moment.
_PARALLEL_PAUSE_SECONDS: Final = 5.0

_WORTH_ANOTHER_TRY: Final = frozenset({500, 502, 503, 504})


class Tries:
    """Counts the tries of one request."""

    def __init__(self, max_retries: int, *, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._left = max_retries
        self._made = 0
        self._authentication_left = min(1, max_retries)
        self._uniform = uniform

    def pause_after(self, error: InfermaticError) -> float | None:
        """Return the seconds to wait before the next try, ``None`` to give up; counts the try."""
        if isinstance(error, AuthenticationError):
            if error.status_code != 401 or self._authentication_left == 0:
                return None
            self._authentication_left -= 1
            return AUTHENTICATION_PAUSE_SECONDS
        if self._left == 0 or not _worth_another_try(error):
            return None
        asked = _asked_by_server(error)
        if asked is not None and asked > LONGEST_OBEYED_SECONDS:
            return None
        self._left -= 1
        self._made += 1
        highest = min(MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS * 2**self._made)
        return self._uniform(MIN_BACKOFF_SECONDS, highest) if asked is None else asked


def _worth_another_try(error: InfermaticError) -> bool:
    match error:
        case APITimeoutError():
            return error.phase == "connect"  # nothing was sent; any other time-out has cost a minute already
        case APIConnectionError() | StreamInterruptedError() | RateLimitError():
            return True
        case ServerError():
            return error.status_code in _WORTH_ANOTHER_TRY and not error.system_prompt_suspected
    return False


def _asked_by_server(error: InfermaticError) -> float | None:
    if isinstance(error, RateLimitError) and error.limit_type == "max_parallel_requests":
        return _PARALLEL_PAUSE_SECONDS
    return error.retry_after if isinstance(error, RateLimitError | ServerError) else None


def still_runs_upstream(error: InfermaticError) -> bool:
    """Tell whether the server may go on with the request, and so hold the key's slot: the client hung up first."""
    if isinstance(error, APITimeoutError):
        return error.phase != "connect"
    return isinstance(error, ResponseFormatError)
