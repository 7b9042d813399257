"""Vectors: of length one, the same for the same text, near for similar ones."""

from __future__ import annotations

import base64
import math
import struct

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.infermatic import EMBEDDING_MODEL, LocalInfermatic
from playground.infermatic._embeddings import embed


@given(st.text(st.characters(exclude_categories=[])))
def test_a_vector_has_768_places_and_length_one(text: str) -> None:
    vector = embed(text)
    assert len(vector) == 768
    assert math.isclose(math.hypot(*vector), 1.0)
    assert vector == embed(text)


def similarity(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(embed(one), embed(other), strict=True))


def test_texts_that_share_words_are_nearer() -> None:
    near = similarity("query: where is the lighthouse", "passage: the lighthouse is on the cliff")
    assert near > similarity("query: where is the lighthouse", "passage: soup needs more salt") + 0.2


async def test_both_encodings_say_the_same(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    body = {"model": EMBEDDING_MODEL, "input": ["one text", "another"]}
    async with session.post(f"{api.url}/v1/embeddings", json=body) as response:
        plain = await response.json()
    async with session.post(f"{api.url}/v1/embeddings", json={**body, "encoding_format": "base64"}) as response:
        packed = await response.json()
    for one, other in zip(plain["data"], packed["data"], strict=True):
        assert struct.unpack("<768f", base64.b64decode(other["embedding"])) == pytest.approx(one["embedding"], abs=1e-6)
    assert plain["usage"]["prompt_tokens"] > 0
    assert [entry["index"] for entry in plain["data"]] == [0, 1]


async def test_embeddings_count_against_the_limit(api: LocalInfermatic) -> None:
    api.add_key("sk-mine", requests_per_minute=1)
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer sk-mine"}) as session:
        statuses = []
        for _ in range(2):
            async with session.post(
                f"{api.url}/v1/embeddings", json={"model": EMBEDDING_MODEL, "input": "x"}
            ) as response:
                statuses.append(response.status)
    assert statuses == [200, 429]
