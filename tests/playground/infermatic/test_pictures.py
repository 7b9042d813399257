"""Pictures in requests: taken by some models, refused by the others as model servers do."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from playground.infermatic import ModelSpec
from playground.infermatic._calls import read_call
from playground.infermatic._errors import GatewayError
from playground.infermatic._pictures import picture_size
from playground.infermatic._refusals import check_template
from tests.playground.infermatic.test_generation import choices

SEEING = ModelSpec("seeing", pictures=2)


def shown(*sizes: tuple[int, int], text: str = "look") -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}]
    for size in sizes:
        target = io.BytesIO()
        Image.new("RGB", size).save(target, "PNG")
        url = f"data:image/png;base64,{base64.b64encode(target.getvalue()).decode()}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return {"messages": [{"role": "user", "content": parts}]}


def refusal(body: dict[str, Any], spec: ModelSpec) -> str:
    with pytest.raises(GatewayError) as caught:
        check_template(read_call("chat/completions", spec.id, body, "1.83.14"), spec, "1.83.14")
    assert caught.value.status == 400
    return str(caught.value)


def test_the_text_tells_of_pictures_and_their_sizes() -> None:
    (choice,) = choices(spec=SEEING, **shown((30, 20)))
    assert "“look”. A picture came with it, 30 x 20 pixels." in choice.text
    (choice,) = choices(spec=SEEING, **shown((30, 20), (5, 6)))
    assert "Pictures came with it: 30 x 20, 5 x 6 pixels." in choice.text


def test_models_refuse_what_they_cannot_look_at() -> None:
    assert "blind is not a multimodal model" in refusal(shown((3, 2)), ModelSpec("blind"))
    assert "At most 2 image(s) may be provided" in refusal(shown((3, 2), (3, 2), (3, 2)), SEEING)
    broken = shown((3, 2))
    broken["messages"][0]["content"][1]["image_url"]["url"] = "data:image/png;base64,AAAA"
    assert "cannot identify image file" in refusal(broken, SEEING)


def test_pictures_elsewhere_are_not_looked_up() -> None:
    assert picture_size("http://127.0.0.1/cat.png") is None
