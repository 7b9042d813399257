import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infermatic_client import SAMPLING_RANGES, Sampling

NUMBERS = tuple(SAMPLING_RANGES)
# Every parameter the service documents.
DOCUMENTED = {
    "n", "best_of", "presence_penalty", "frequency_penalty", "repetition_penalty", "temperature", "top_p", "top_k",
    "min_p", "seed", "stop", "max_tokens", "min_tokens", "detokenize", "skip_special_tokens",
}  # fmt: skip


def made(**fields: Any) -> Sampling:
    return Sampling(**fields)


def test_every_documented_parameter_is_there_and_unset_ones_are_not_sent() -> None:
    assert set(Sampling.__struct_fields__) == DOCUMENTED
    assert msgspec.to_builtins(Sampling()) == {}
    assert msgspec.to_builtins(Sampling(temperature=0.0, stop=["a"])) == {"temperature": 0.0, "stop": ["a"]}


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Sampling().n = 2  # type: ignore[misc]


@pytest.mark.parametrize("name", NUMBERS)
def test_the_ends_of_a_range_are_inside_and_what_lies_beyond_is_refused(name: str) -> None:
    low, high = SAMPLING_RANGES[name]
    step = 1 if isinstance(low, int) else 0.001
    fields = {"n": 1, "best_of": 1} if name == "n" else {}
    if name not in {"repetition_penalty", "top_p"}:
        assert getattr(made(**fields | {name: low}), name) == low
    if name != "n":
        assert getattr(made(**{name: high}), name) == high
    for value in (low - step, high + step):
        with pytest.raises(ValueError, match=name):
            made(**{name: value})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "0.5", [1]])
def test_what_is_no_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=name):
        made(**{name: value})


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2, "best_of": 1},
        {"repetition_penalty": 0},
        {"top_p": 0.0},
        {"top_k": 0},
        {"min_tokens": 5, "max_tokens": 4},
        {"stop": ["a", ""]},
        {"stop": ""},
    ],
)
def test_contradictions_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=list(fields)[-1]):
        made(**fields)


@pytest.mark.parametrize("fields", [{"n": 1.0}, {"max_tokens": 5.5}, {"stop": [1]}, {"stop": 3}, {"detokenize": 1}])
def test_other_types_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        made(**fields)


@settings(deadline=None)
@given(st.floats() | st.integers())
def test_a_temperature_is_taken_only_inside_its_range(value: float) -> None:
    if math.isfinite(value) and 0 <= value <= 2:
        assert Sampling(temperature=value).temperature == value
    else:
        with pytest.raises(ValueError, match="temperature"):
            Sampling(temperature=value)
