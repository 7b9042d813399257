from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import PresetFileError, PresetNameError, SamplingConflictError, SamplingValueError
from chat.preferences import consistent
from chat.presets import (
    MAX_FILE_BYTES,
    MAX_FILE_DEPTH,
    PARAMETERS,
    Clamped,
    ImportedPreset,
    check_together,
    clean_preset_name,
    parse_preset_file,
    parse_value,
    range_words,
    valid_values,
    value_text,
)
from infermatic_client import SAMPLING_RANGES, Sampling

# As SillyTavern writes them, shortened to what is peculiar.
TEXT_COMPLETION = {
    "temp": 1.15,
    "temperature_last": True,
    "top_p": 0.95,
    "top_k": 0,
    "top_a": 0,
    "tfs": 1,
    "typical_p": 1,
    "min_p": 0.075,
    "rep_pen": 1.05,
    "rep_pen_range": 2048,
    "freq_pen": 0,
    "presence_pen": 0.2,
    "dynatemp": False,
    "dry_multiplier": 0.8,
    "dry_sequence_breakers": '["\\n", ":"]',
    "xtc_probability": 0,
    "mirostat_mode": 0,
    "banned_tokens": "",
    "logit_bias": [],
    "json_schema": None,
    "sampler_order": [6, 0, 1, 3, 4, 2, 5],
    "seed": -1,
    "min_length": 0,
    "genamt": 350,
    "max_length": 16384,
}
CHAT_COMPLETION = {
    "chat_completion_source": "openai",
    "temperature": 0.9,
    "frequency_penalty": 0.3,
    "presence_penalty": 0,
    "top_p": 1,
    "top_k": 40,
    "min_p": 0,
    "repetition_penalty": 1,
    "openai_max_context": 32768,
    "openai_max_tokens": 600,
    "names_behavior": 0,
    "prompts": [{"name": "Main Prompt", "role": "system", "content": "Write {{char}}'s reply.", "identifier": "main"}],
    "prompt_order": [{"character_id": 100000, "order": [{"identifier": "main", "enabled": True}]}],
    "seed": 7,
    "n": 1,
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
FILE_NAMES = sorted({*TEXT_COMPLETION, *CHAT_COMPLETION, *PARAMETERS, "stopping_strings", "max_context_length"})


def imported(content: Any) -> ImportedPreset:
    return parse_preset_file(json.dumps(content).encode())


def problem(data: bytes) -> str:
    with pytest.raises(PresetFileError) as caught:
        parse_preset_file(data)
    return caught.value.problem


# --- preset files


def test_a_text_completion_preset_is_read_under_our_names() -> None:
    preset = imported(TEXT_COMPLETION)
    assert preset.values == {
        "temperature": 1.15,
        "min_p": 0.075,
        "top_p": 0.95,
        "top_k": -1,  # which is "off" there
        "repetition_penalty": 1.05,
        "frequency_penalty": 0,
        "presence_penalty": 0.2,
        "max_tokens": 350,  # and not `max_length`, which is the context there
    }
    assert preset.ignored == ("rep_pen_range", "dry_multiplier", "temperature_last")
    assert not preset.clamped
    assert not preset.refused
    assert preset.others == 2


def test_a_chat_completion_preset_is_read_under_our_names() -> None:
    preset = imported(CHAT_COMPLETION)
    assert preset.values == {
        "temperature": 0.9,
        "min_p": 0,
        "top_p": 1,
        "top_k": 40,
        "repetition_penalty": 1,
        "frequency_penalty": 0.3,
        "presence_penalty": 0,
        "max_tokens": 600,
        "seed": 7,
    }
    assert preset.others == 6


def test_a_master_export_and_a_byte_order_mark_are_read_too() -> None:
    whole = {"instruct": {"name": "ChatML"}, "preset": {"temp": 0.7}, "sysprompt": {"content": "x"}}
    assert parse_preset_file(b"\xef\xbb\xbf" + json.dumps(whole).encode()).values == {"temperature": 0.7}


def test_the_reply_length_of_koboldai_is_told_from_the_context_of_sillytavern() -> None:
    assert imported({"max_length": 120, "max_context_length": 4096}).values == {"max_tokens": 120}
    assert "max_tokens" not in imported({"max_length": 4096, "temp": 1}).values


def test_values_out_of_range_are_clamped_or_refused() -> None:
    preset = imported({"temp": 5, "rep_pen": 0, "top_p": -3, "min_p": 1.5, "top_k": -7, "genamt": 0, "seed": 2**64})
    assert preset.values == {"temperature": 2, "min_p": 1, "top_k": -1, "max_tokens": 1}
    assert set(preset.clamped) == {Clamped("temperature", 5, 2), Clamped("min_p", 1.5, 1), Clamped("max_tokens", 0, 1)}
    assert set(preset.refused) == {"repetition_penalty", "top_p", "seed"}


def test_a_shortest_reply_above_the_longest_is_brought_down() -> None:
    preset = imported({"min_length": 500, "genamt": 200})
    assert preset.values == {"max_tokens": 200, "min_tokens": 200}
    assert preset.clamped == (Clamped("min_tokens", 500, 200),)


def test_values_of_another_type_are_refused() -> None:
    preset = imported({"temp": True, "top_p": "much", "top_k": 4.5, "genamt": [1], "stop": {"a": 1}, "min_p": "0.1"})
    assert preset.values == {"min_p": 0.1}
    assert set(preset.refused) == {"temperature", "top_p", "top_k", "max_tokens", "stop"}


@pytest.mark.parametrize(
    ("written", "stop"),
    [
        (["\n", "You:", "\n"], ["\n", "You:"]),
        ('["User:", "a, b"]', ["User:", "a, b"]),
        ("a, b", ["a, b"]),
        (["", "\0", "x\0"], ["x"]),
    ],
)
def test_stop_texts_are_read_as_files_write_them(written: Any, stop: list[str]) -> None:
    assert imported({"custom_stopping_strings": written}).values == {"stop": stop}


@pytest.mark.parametrize("stop", [[""] * 3, ["x" * 65], [str(n) for n in range(9)], [1], ["a", ["b"]]])
def test_stop_texts_that_cannot_be_kept_are_refused(stop: Any) -> None:
    assert imported({"stop": stop, "temp": 1}).refused == ("stop",)


def test_files_that_are_no_presets_are_told_apart() -> None:
    assert problem(b" " * (MAX_FILE_BYTES + 1)) == "too large"
    assert problem(b"") == problem(b"\x89PNG\r\n") == problem(b'"\xff"') == problem(b'{"temp": NaN}') == "not JSON"
    assert problem(b"[1]") == problem(b"null") == "no preset"
    assert problem(b'{"prompts": []}') == problem(b'{"temp": null, "seed": -1, "stop": []}') == "nothing in it"


def nested(depth: int) -> bytes:
    return b'{"temp":1,"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def test_only_shallow_files_are_read() -> None:
    assert parse_preset_file(nested(MAX_FILE_DEPTH)).values == {"temperature": 1}
    assert problem(nested(MAX_FILE_DEPTH + 1)) == "too deep"
    assert problem(b"[" * MAX_FILE_BYTES) == problem(b'{"a":' * 40_000) == "too deep"


@given(st.dictionaries(st.sampled_from(FILE_NAMES) | st.text(max_size=5), JSON, max_size=12))
def test_whatever_a_file_says_only_values_that_the_service_takes_come_of_it(content: dict[str, Any]) -> None:
    try:
        preset = imported(content)
    except PresetFileError:
        return
    Sampling(**preset.values)
    assert valid_values(json.loads(json.dumps(preset.values))) == preset.values
    assert not set(preset.values) & set(preset.refused)
    for change in preset.clamped:
        assert preset.values[change.parameter] == change.taken != change.wanted
        assert len(value_text(change.wanted)) <= 40


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_bring_anything_but_a_refusal_in_words(data: bytes) -> None:
    with pytest.raises(PresetFileError):
        parse_preset_file(data)


# --- values that people type


@pytest.mark.parametrize(
    ("parameter", "typed", "value"),
    [
        ("temperature", " 1.2 ", 1.2),
        ("temperature", "0,8", 0.8),
        ("temperature", "2", 2),
        ("max_tokens", "1,000", 1000),
        ("max_tokens", "1e3", 1000),
        ("top_k", "-1", -1),
        ("seed", str(2**63 - 1), 2**63 - 1),
        ("stop", r"\n, User:", ["\n", "User:"]),
        ("stop", '["a, b", "c"]', ["a, b", "c"]),
        ("stop", "[END]", ["[END]"]),
        ("stop", "<|im_end|>", ["<|im_end|>"]),
        ("skip_special_tokens", "No", False),
    ],
)
def test_values_are_read_as_people_write_them(parameter: str, typed: str, value: Any) -> None:
    read = parse_value(parameter, typed)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("parameter", "typed"),
    [
        *((name, text) for name in PARAMETERS for text in ("", " ", "\0") if name != "stop"),
        *(
            (name, text)
            for name in SAMPLING_RANGES
            if name in PARAMETERS
            for text in ("nan", "inf", "1e999", "9" * 5000)
        ),
        *((name, str(high + 1)) for name, (_, high) in SAMPLING_RANGES.items() if name in PARAMETERS),
        *((name, str(low - 1)) for name, (low, _) in SAMPLING_RANGES.items() if name in PARAMETERS),
        ("top_k", "0"),
        ("top_p", "0"),
        ("max_tokens", "10.5"),
        ("temperature", "warm"),
        ("skip_special_tokens", "maybe"),
        ("stop", ","),
        ("stop", ",".join("abcdefghi")),
        ("n", "2"),
        ("no_such_parameter", "1"),
    ],
)
def test_other_values_are_refused(parameter: str, typed: str) -> None:
    with pytest.raises(SamplingValueError) as caught:
        parse_value(parameter, typed)
    assert caught.value.parameter == parameter


@given(st.sampled_from(PARAMETERS), st.text(max_size=60) | st.floats().map(str) | st.integers().map(str))
def test_whatever_is_typed_is_a_value_that_the_service_takes_or_is_refused(parameter: str, typed: str) -> None:
    try:
        value = parse_value(parameter, typed)
    except SamplingValueError:
        return
    Sampling(**{parameter: value})
    assert "\n" not in value_text(value)


def test_every_parameter_has_words_for_its_range() -> None:
    for name in PARAMETERS:
        assert 1 < len(f"{name} ({range_words(name)})") <= 100
    assert range_words("temperature") == "0 to 2"
    assert range_words("max_tokens") == "1 to 10,000,000"


def test_a_shortest_reply_above_the_longest_is_refused_where_it_is_set_and_mended_where_it_meets() -> None:
    check_together({"min_tokens": 100, "max_tokens": 100})
    with pytest.raises(SamplingConflictError):
        check_together({"min_tokens": 101, "max_tokens": 100})
    assert consistent({"min_tokens": 101, "max_tokens": 100, "seed": None}) == Sampling(min_tokens=100, max_tokens=100)


# --- names


@pytest.mark.parametrize(
    ("typed", "name"), [("  Calm   night ", "Calm night"), ("für Ada & Tom!", "für Ada & Tom!"), ("Ａｄａ", "Ada")]
)
def test_names_are_tidied(typed: str, name: str) -> None:
    assert clean_preset_name(typed) == name


@pytest.mark.parametrize("name", ["", "  ", "\0", "x" * 41, "a`b", "@everyone", "<@1>", "a\u202eb", "a:b", "*x*"])
def test_names_that_could_disturb_are_refused(name: str) -> None:
    with pytest.raises(PresetNameError):
        clean_preset_name(name)


@given(st.text(max_size=60))
def test_a_name_that_was_taken_once_is_taken_again_unchanged(typed: str) -> None:
    try:
        name = clean_preset_name(typed)
    except PresetNameError:
        return
    assert clean_preset_name(name) == name


@pytest.mark.parametrize("stored", [None, [], "x", {"temperature": 9, "top_k": "x", "stop": [1], "other": 1}])
def test_what_is_stored_and_no_longer_valid_is_left_out(stored: Any) -> None:
    assert valid_values(stored) == {}
