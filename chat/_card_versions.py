"""The three versions of character cards, and one written as another. Fields that nobody knows go along."""

import contextlib
from typing import Any, Final

import msgspec

from chat._card_json import Fields, fields_of, joined, raw
from chat.errors import CardError

V2: Final = "chara_card_v2"
V3: Final = "chara_card_v3"

FIRST_FIELDS: Final = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
"""What V1 has; many programs repeat them outside of `data` for those that know nothing newer."""

_SECOND_FIELDS: Final[dict[str, Any]] = {
    **dict.fromkeys(FIRST_FIELDS, ""),
    "creator_notes": "",
    "system_prompt": "",
    "post_history_instructions": "",
    "alternate_greetings": [],
    "tags": [],
    "creator": "",
    "character_version": "",
    "extensions": {},
}


def version_of(content: dict[str, Any]) -> int:
    """Which version a card has. Raises `CardError` if it is none."""
    spec = content.get("spec")
    if spec is None:
        if "name" not in content or not any(name in content for name in FIRST_FIELDS[1:]):
            raise CardError("card")
        return 1
    if spec not in {V2, V3}:
        raise CardError("spec" if isinstance(spec, str) and spec.startswith("chara_card") else "card")
    if not isinstance(content.get("data"), dict):
        raise CardError("fields")
    return 2 if spec == V2 else 3


def is_newer(content: dict[str, Any]) -> bool:
    """Whether a card follows a later edition of V3 than the one that is known."""
    with contextlib.suppress(TypeError, ValueError):
        return content.get("spec") == V3 and float(content.get("spec_version", 3.0)) > 3.0
    return False


def as_second(version: int, card: bytes) -> bytes:
    """The card for programs that know V2."""
    if version == 2:
        return card
    fields = fields_of(card)
    if version == 1:
        known: Fields = {name: fields[name] for name in FIRST_FIELDS if name in fields}
        fields["data"] = raw(_completed(known))
    return joined(_labelled(fields, V2, "2.0"))


def as_third(version: int, card: bytes) -> bytes:
    """The card for programs that know V3."""
    if version == 3:
        return card
    fields = fields_of(as_second(version, card))
    data = fields_of(fields["data"])
    data.setdefault("group_only_greetings", raw([]))
    fields["data"] = raw(data)
    return joined(_labelled(fields, V3, "3.0"))


def with_fields(version: int, card: bytes, changes: dict[str, Any]) -> bytes:
    """The card with some of its fields changed; one that V1 does not have makes it a V2 card.

    Of extensions those are changed that are named; None takes one away.
    """
    if version == 1 and not set(changes) <= set(FIRST_FIELDS):
        version, card = 2, as_second(version, card)
    fields = fields_of(card)
    if version == 1:
        return joined({**fields, **{name: raw(value) for name, value in changes.items()}})
    data = fields_of(fields["data"])
    values = {name: raw(value) for name, value in changes.items() if name != "extensions"}
    if "extensions" in changes:
        values["extensions"] = _extended(data.get("extensions"), changes["extensions"])
    repeated = {name: value for name, value in values.items() if name in fields}
    return joined({**fields, **repeated, "data": raw({**data, **values})})


def _extended(extensions: msgspec.Raw | None, changes: dict[str, Any]) -> msgspec.Raw:
    before: Fields = {}
    if extensions is not None and bytes(extensions).lstrip().startswith(b"{"):
        before = fields_of(extensions)
    kept = {name: value for name, value in before.items() if name not in changes or changes[name] is not None}
    return raw({**kept, **{name: raw(value) for name, value in changes.items() if value is not None}})


def blank_fields(**known: Any) -> bytes:
    """The `data` of a card in which nothing else is said."""
    return joined(_completed({name: raw(value) for name, value in known.items()}))


def _completed(known: Fields) -> Fields:
    return {name: known.get(name, raw(value)) for name, value in _SECOND_FIELDS.items()}


def _labelled(fields: Fields, spec: str, spec_version: str) -> Fields:
    return {**fields, "spec": raw(spec), "spec_version": raw(spec_version)}
