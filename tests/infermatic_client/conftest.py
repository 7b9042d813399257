from collections.abc import AsyncIterator

import pytest

from infermatic_client import InfermaticClient, _retry
from tests.infermatic_client.loopback import Loopback, loopback

KEY = "sk-canary-0123456789abcdefTAIL"


@pytest.fixture
async def server() -> AsyncIterator[Loopback]:
    async with loopback() as state:
        yield state


@pytest.fixture
async def client(server: Loopback) -> AsyncIterator[InfermaticClient]:
    """A client without limits and without retries."""
    async with InfermaticClient(KEY, server.url, max_retries=0) as made:
        yield made


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pauses before a retry short enough for a test."""
    monkeypatch.setattr(_retry, "MIN_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(_retry, "MAX_BACKOFF_SECONDS", 0.002)
    monkeypatch.setattr(_retry, "AUTHENTICATION_PAUSE_SECONDS", 0.001)
