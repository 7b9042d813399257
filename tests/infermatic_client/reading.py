"""Reading a stream to its end, or to its failure."""

from infermatic_client import ChatStream, CompletionStream


async def texts_of(stream: ChatStream | CompletionStream, into: list[str] | None = None) -> list[str]:
    """Collect the text of every delta in ``into``, which keeps what came before a failure."""
    found = [] if into is None else into
    async with stream:
        await rest_of(stream, found)
    return found


async def rest_of(stream: ChatStream | CompletionStream, into: list[str]) -> None:
    """Read an entered stream to its end."""
    async for delta in stream:
        text: str = delta.text
        into.append(text)
