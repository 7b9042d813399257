"""The one place where foreign exceptions become this library's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import aiohttp

from ._errors import APIConnectionError, APITimeoutError, ResponseFormatError, TimeoutPhase
from ._redact import Secret, redact


@contextlib.contextmanager
def translated(key: Secret, connect_seconds: float = 0.0) -> Iterator[None]:
    """Turn aiohttp's and the socket's exceptions into ``APIConnectionError``; nothing that escapes holds ``key``."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as exc:
        raise APITimeoutError(phase="connect", seconds=connect_seconds) from _harmless(exc)
    except (aiohttp.ClientError, OSError) as exc:
        harmless = _harmless(exc)
        raise APIConnectionError(f"{type(exc).__name__}: {redact(str(exc), key)}") from harmless
    except ResponseFormatError as error:
        error.body = redact(error.body, key)
        raise


@contextlib.asynccontextmanager
async def within(seconds: float, phase: TimeoutPhase) -> AsyncIterator[None]:
    """Raise ``APITimeoutError`` when the block takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as exc:
        raise APITimeoutError(phase=phase, seconds=seconds) from _harmless(exc)


def _harmless(exc: BaseException) -> BaseException:
    """Take the Authorization header out of an exception and out of those behind it.

    ``repr(ClientResponseError)`` shows the request's headers, and aiohttp's frames hold them as local variables,
    which some log handlers print.
    """
    link: BaseException | None = exc
    while link is not None:
        link.__traceback__ = None
        if isinstance(link, aiohttp.ClientResponseError):
            info = link.request_info
            headers = info.headers.copy()
            headers.popall("Authorization", None)
            link.request_info = aiohttp.RequestInfo(
                info.url,
                info.method,
                headers,  # type: ignore[arg-type]  # a multidict; only the package multidict could wrap it
                info.real_url,
            )
            link.args = ()
        link = link.__cause__ or link.__context__
    return exc
