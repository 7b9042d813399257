"""Sampling parameters as people write them: one value, a preset's name, or a preset file of SillyTavern."""

import contextlib
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from chat.errors import PresetFileError, PresetNameError, SamplingConflictError, SamplingValueError
from infermatic_client import SAMPLING_RANGES, Sampling
from storage import clean_text

# What people may set, the most used first. The bot shows one reply as text, so `n`, `best_of` and `detokenize` are
# not among them: they would cost tokens that nobody sees, or leave no text at all.
PARAMETERS: Final = (
    "temperature",
    "min_p",
    "top_p",
    "top_k",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
    "max_tokens",
    "min_tokens",
    "seed",
    "stop",
    "skip_special_tokens",
)
MAX_FILE_BYTES: Final = 256 * 1024  # SillyTavern's largest presets, full of prompts, take about 100 KiB
MAX_FILE_DEPTH: Final = 32  # theirs are at most six deep
MAX_STOPS: Final = 8
MAX_STOP_CHARACTERS: Final = 64
MAX_NAME_CHARACTERS: Final = 40

_WHOLE = frozenset({"top_k", "max_tokens", "min_tokens", "seed"})
_RANGE_WORDS: Mapping[str, str] = {
    "top_p": "more than 0, up to 1",
    "repetition_penalty": "more than 0, up to 2",
    "top_k": "-1 for all, or 1 and more",
    "seed": "any whole number",
    "stop": f"up to {MAX_STOPS} texts of {MAX_STOP_CHARACTERS} characters, with commas between",
    "skip_special_tokens": "true or false",
}
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_GROUPED_DIGITS = re.compile(r"-?\d{1,3}(,\d{3})+")
_HUGE = 2**64
_LONGEST_NUMBER = 40  # characters; enough for every 64-bit number, and quick to refuse
_NAME_SIGNS = frozenset(" -_.+'!&()")

# The names of our parameters in preset files, the first that is there wins.
_FILE_NAMES: Mapping[str, tuple[str, ...]] = {
    "temperature": ("temperature", "temp", "temp_openai"),
    "min_p": ("min_p", "min_p_openai"),
    "top_p": ("top_p", "top_p_openai"),
    "top_k": ("top_k", "top_k_openai"),
    "repetition_penalty": ("repetition_penalty", "rep_pen", "repetition_penalty_openai"),
    "frequency_penalty": ("frequency_penalty", "freq_pen", "freq_pen_openai"),
    "presence_penalty": ("presence_penalty", "presence_pen", "pres_pen_openai"),
    "max_tokens": ("max_tokens", "openai_max_tokens", "genamt", "max_new_tokens", "max_length"),
    "min_tokens": ("min_tokens", "min_length"),
    "seed": ("seed",),
    "stop": ("stop", "stop_sequence", "stopping_strings", "custom_stopping_strings"),
    "skip_special_tokens": ("skip_special_tokens",),
}
_TAKEN_NAMES = frozenset(name for names in _FILE_NAMES.values() for name in names)
# Samplers of other backends with the value that turns each off; None: it only shapes another one or has no such value.
_FOREIGN: Mapping[str, float | bool | None] = {
    "top_a": 0,
    "top_a_openai": 0,
    "tfs": 1,
    "typical": 1,
    "typical_p": 1,
    "epsilon_cutoff": 0,
    "eta_cutoff": 0,
    "rep_pen_range": 0,
    "rep_pen_slope": None,
    "rep_pen_decay": None,
    "encoder_rep_pen": 1,
    "no_repeat_ngram_size": 0,
    "penalty_alpha": 0,
    "num_beams": 1,
    "mirostat_mode": 0,
    "dynatemp": False,
    "smoothing_factor": 0,
    "dry_multiplier": 0,
    "xtc_probability": 0,
    "nsigma": 0,
    "skew": 0,
    "guidance_scale": 1,
    "ban_eos_token": False,
    "ignore_eos_token": False,
    "temperature_last": False,
    "grammar_string": None,
    "negative_prompt": None,
    "banned_tokens": None,
    "logit_bias": None,
    "json_schema": None,
}


@dataclass(frozen=True, slots=True)
class Clamped:
    """A value of a file that was out of range, and what became of it."""

    parameter: str
    wanted: float
    taken: float


@dataclass(frozen=True, slots=True)
class ImportedPreset:
    """What a preset file says, as far as the service understands it."""

    values: dict[str, Any]
    clamped: tuple[Clamped, ...] = ()
    refused: tuple[str, ...] = ()  # parameters whose value cannot be brought into range
    ignored: tuple[str, ...] = ()  # samplers that the file turns on and the service does not have
    others: int = 0  # entries that are no sampling at all: prompts, formatting, ...


# --- one value


def range_words(parameter: str) -> str:
    """What may be set, short enough for the name of a choice."""
    if parameter in _RANGE_WORDS:
        return _RANGE_WORDS[parameter]
    low, high = SAMPLING_RANGES[parameter]
    return f"{low:,g} to {high:,.0f}" if parameter in _WHOLE else f"{low:g} to {high:g}"


def parse_value(parameter: str, text: str) -> Any:
    """What somebody typed, as the parameter's value. Raises `SamplingValueError`."""
    try:
        return checked(parameter, _read(parameter, clean_text(text).strip()))
    except (TypeError, ValueError):
        raise SamplingValueError(parameter, text) from None


def checked(parameter: str, value: Any) -> Any:
    """The value, if the parameter may have it. Raises `ValueError` or `TypeError`."""
    if parameter not in PARAMETERS:
        raise ValueError(parameter)
    if value is None:
        raise TypeError(parameter)
    if parameter == "stop":
        if not isinstance(value, list):
            raise TypeError(parameter)
        if not 0 < len(value) <= MAX_STOPS or any(len(text) > MAX_STOP_CHARACTERS for text in value):
            raise ValueError(parameter)
    Sampling(**{parameter: value})
    return value


def valid_values(stored: Any) -> dict[str, Any]:
    """The parameters of a stored preset that still may have their values."""
    values: dict[str, Any] = {}
    for parameter in PARAMETERS if isinstance(stored, Mapping) else ():
        try:
            values[parameter] = checked(parameter, stored.get(parameter))
        except (TypeError, ValueError):
            continue
    return values


def check_together(values: Mapping[str, Any]) -> None:
    """Raise `SamplingConflictError` for values that exclude each other."""
    least, most = values.get("min_tokens"), values.get("max_tokens")
    if least is not None and most is not None and least > most:
        raise SamplingConflictError(least, most)


def value_text(value: Any, limit: int = 160) -> str:
    """A value as it is shown; texts with their line breaks visible, so that the whole stays on one line."""
    if isinstance(value, list | tuple):
        text = ", ".join(msgspec.json.encode(item).decode() for item in value)
        return text if len(text) <= limit else text[: limit - 1] + "…"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if abs(value) < _HUGE else "a huge number"


def _read(parameter: str, text: str) -> Any:
    if parameter == "stop":
        return _read_texts(text)
    if parameter == "skip_special_tokens":
        return _TRUTH.get(text.lower())
    return _read_number(text, whole=parameter in _WHOLE)


def _read_texts(text: str) -> list[str]:
    r"""A JSON list, or texts with commas between them, in which `\n` stands for a line break."""
    if text.startswith("["):
        with contextlib.suppress(msgspec.MsgspecError):  # else it is a stop text that begins so
            return [clean_text(item) for item in msgspec.json.decode(text, type=list[str])]
    parts = (part.strip().replace("\\n", "\n").replace("\\t", "\t") for part in text.split(","))
    return list(dict.fromkeys(part for part in parts if part))


def _read_number(text: str, *, whole: bool) -> int | float:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(text)
    if whole and _GROUPED_DIGITS.fullmatch(text):
        text = text.replace(",", "")
    elif _DECIMAL_COMMA.fullmatch(text):  # as many languages write 0.8
        text = text.replace(",", ".")
    try:
        return int(text)
    except ValueError:
        return _as_whole(float(text)) if whole else float(text)


def _as_whole(number: float) -> int:
    if not number.is_integer():  # also true of infinities and NaN
        raise ValueError(number)
    return int(number)


# --- names of presets


def clean_preset_name(name: str) -> str:
    """The name as it is shown and kept. Raises `PresetNameError`."""
    name = " ".join(unicodedata.normalize("NFKC", clean_text(name)).split())
    fits = 0 < len(name) <= MAX_NAME_CHARACTERS
    if not fits or not all(sign.isalnum() or sign in _NAME_SIGNS for sign in name):
        raise PresetNameError(name[:MAX_NAME_CHARACTERS])
    return name


# --- preset files


def parse_preset_file(data: bytes) -> ImportedPreset:
    """Read a preset file of SillyTavern, for text or chat completion. Raises `PresetFileError`."""
    entries = _entries(_decode(data))
    values: dict[str, Any] = {}
    clamped: list[Clamped] = []
    refused: list[str] = []
    for parameter, wanted in _wishes(entries):
        try:
            value = _within_range(parameter, wanted)
            values[parameter] = checked(parameter, value)
        except (TypeError, ValueError, OverflowError):
            refused.append(parameter)
            continue
        if isinstance(value, int | float) and value != wanted and not _means_all(parameter, wanted):
            clamped.append(Clamped(parameter, wanted, value))
    _fit_shortest(values, clamped)
    ignored = tuple(name for name, off in _FOREIGN.items() if _is_on(entries.get(name), off))
    if not values and not refused:
        raise PresetFileError("nothing in it")
    others = sum(1 for name in entries if name not in _TAKEN_NAMES and name not in _FOREIGN)
    return ImportedPreset(values, tuple(clamped), tuple(refused), ignored, others)


def _decode(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_FILE_BYTES:
        raise PresetFileError("too large")
    try:
        content = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise PresetFileError("too deep") from None
    except (msgspec.MsgspecError, ValueError):
        raise PresetFileError("not JSON") from None
    if not isinstance(content, dict):
        raise PresetFileError("no preset")
    if _depth_exceeds(content, MAX_FILE_DEPTH):
        raise PresetFileError("too deep")
    return content


def _depth_exceeds(content: Any, limit: int) -> bool:
    level: list[Any] = [content]
    for _ in range(limit):
        level = [item for holder in level for item in _items(holder) if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def _items(holder: Any) -> Iterable[Any]:
    return holder.values() if isinstance(holder, dict) else holder


def _entries(content: dict[str, Any]) -> dict[str, Any]:
    """The part with the samplers: SillyTavern's "master export" keeps it beside its templates."""
    inner = content.get("preset")
    return inner if isinstance(inner, dict) and not _TAKEN_NAMES & content.keys() else content


def _wishes(entries: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each of our parameters that the file sets."""
    for parameter, names in _FILE_NAMES.items():
        for name in names:
            # In SillyTavern `max_length` is the context; only KoboldAI, which names that otherwise, means the reply.
            if name == "max_length" and "max_context_length" not in entries:
                continue
            value = _plain(parameter, entries.get(name))
            if value is not None and not _says_nothing(parameter, value):
                yield parameter, value
                break


def _says_nothing(parameter: str, value: Any) -> bool:
    """What a file says of a parameter that it leaves alone: no stop texts, a random seed, no least length."""
    if parameter == "stop":
        return value in ([], [""])
    return bool((parameter == "seed" and value == -1) or (parameter == "min_tokens" and value == 0))


def _plain(parameter: str, value: Any) -> Any:
    """The value without the text that some files put around numbers and lists; unreadable ones stay as they are."""
    if isinstance(value, str):
        text = clean_text(value)
        if parameter == "stop" and not text.startswith("["):
            return [text]
        with contextlib.suppress(ValueError):
            return _read(parameter, text.strip())
    if parameter == "stop" and isinstance(value, list):
        return [clean_text(text) if isinstance(text, str) else text for text in value]
    return value


def _within_range(parameter: str, wanted: Any) -> Any:
    """What of a file's value the parameter may have; `checked` refuses what is not a value of it at all."""
    if parameter == "stop" and isinstance(wanted, list):
        return [text for text in dict.fromkeys(wanted) if text != ""]
    if parameter not in SAMPLING_RANGES:
        return wanted
    if isinstance(wanted, bool) or not isinstance(wanted, int | float) or math.isnan(wanted):
        raise TypeError(parameter)
    if _means_all(parameter, wanted):
        return -1
    low, high = SAMPLING_RANGES[parameter]
    if parameter == "seed" and not low <= wanted <= high:
        raise ValueError(parameter)  # another seed would be as good as none
    number = min(max(wanted, low), high)
    return _as_whole(number) if isinstance(number, float) and parameter in _WHOLE else number


def _means_all(parameter: str, wanted: Any) -> bool:
    return parameter == "top_k" and isinstance(wanted, int | float) and wanted <= 0


def _fit_shortest(values: dict[str, Any], clamped: list[Clamped]) -> None:
    least, most = values.get("min_tokens"), values.get("max_tokens")
    if least is not None and most is not None and least > most:
        values["min_tokens"] = most
        clamped.append(Clamped("min_tokens", least, most))


def _is_on(value: Any, off: float | bool | None) -> bool:
    if value is None or (off is None and not isinstance(value, str | list | dict)):
        return False
    return bool(value) if off is None else isinstance(value, int | float) and value != off
