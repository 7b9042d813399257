"""A local Infermatic that answers at once, and a session that talks to it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import aiohttp
import pytest

from playground.infermatic import DEFAULT_KEY, LocalInfermatic


@pytest.fixture
async def api() -> AsyncIterator[LocalInfermatic]:
    """Yield a fresh server without waiting times."""
    async with LocalInfermatic(tokens_per_second=math.inf, first_token_seconds=0.0) as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session that carries the default key."""
    headers = {"Authorization": f"Bearer {DEFAULT_KEY}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as client:
        yield client
