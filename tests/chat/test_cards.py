"""Character cards: what is read, what is written back, and what is refused."""

import base64
import io
import json
import time
import warnings
import zipfile
import zlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chat.cards import EDITABLE, MAX_FILE_BYTES, ReadCard, changed, parse_card, read_card, to_json, to_png
from chat.errors import CardError
from tests.chat import card_files as files
from tests.chat.card_files import as_json, charx, chunk, png, png_card, text_chunk

PICTURE = files.picture()


def raw_fields(data: bytes) -> dict[str, bytes]:
    """The bytes of every field, also of those inside of `data`."""
    fields = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    found = {name: bytes(value) for name, value in fields.items()}
    if "spec" in found and "data" in found:
        inner = msgspec.json.decode(found.pop("data"), type=dict[str, msgspec.Raw])
        found |= {f"data.{name}": bytes(value) for name, value in inner.items()}
    return found


def texts_of(data: bytes) -> dict[str, Any]:
    """The cards that a PNG file holds, as a program sees them that knows nothing of ours."""
    found, place = {}, 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] == b"tEXt":
            keyword, _, text = data[place + 8 : place + 8 + length].partition(b"\0")
            found[keyword.decode()] = json.loads(base64.b64decode(text))
        place += 12 + length
    return found


# --- reading


@given(files.cards)
def test_a_card_says_the_same_in_every_container(content: dict[str, Any]) -> None:
    text = as_json(content)
    version = {"chara_card_v2": 2, "chara_card_v3": 3}.get(content.get("spec", ""), 1)
    keyword = b"ccv3" if version == 3 else b"chara"
    wrapped = text_chunk(keyword, base64.b64encode(text))
    for data in (text, png(wrapped), png(wrapped, around=files.animation()), charx({"card.json": text})):
        card = read_card(data).card
        assert (card.version, card.raw) == (version, text)
        fields = content if version == 1 else content["data"]
        assert [card.text(name) for name in files.FIRST] == [fields[name] for name in files.FIRST]
        assert card.called == fields.get("nickname", fields["name"])
        assert card.book == fields.get("character_book")
        assert card.tags == tuple(tag for tag in fields.get("tags", ()) if tag.strip())


def test_the_third_version_wins_and_keywords_have_no_case() -> None:
    old = text_chunk(b"Chara", base64.b64encode(as_json(files.card(2, name="Old"))))
    new = text_chunk(b"CCV3", base64.b64encode(as_json(files.card(3, name="New"))))
    assert read_card(png(old)).card.name == "Old"
    assert read_card(png(old, new)).card.name == "New"


def test_missing_and_empty_fields_are_empty() -> None:
    card = parse_card(as_json(files.card(2, tags=None, extensions=None, character_book=None, system_prompt=None)))
    assert (card.tags, card.extensions, card.book, card.system_prompt, card.greetings[1:]) == ((), {}, None, "", ())


def test_greetings_are_the_first_message_and_its_alternates() -> None:
    card = parse_card(as_json(files.card(2, first_mes="One", alternate_greetings=["", "Two", 3, "Three"])))
    assert card.greetings == ("One", "Two", "Three")


def test_a_later_edition_is_read_and_told() -> None:
    card = parse_card(as_json({**files.card(3), "spec_version": "3.1"}))
    assert card.newer
    assert not parse_card(as_json(files.card(3))).newer
    assert not parse_card(as_json({**files.card(3), "spec_version": "new"})).newer


@pytest.mark.parametrize("text", [b" ".join, lambda pieces: b"".join(pieces).rstrip(b"=")])
def test_base64_with_line_breaks_or_without_padding_is_read(text: Any) -> None:
    encoded = base64.b64encode(as_json(files.card(2, description="wide " * 20)))
    pieces = [encoded[start : start + 76] for start in range(0, len(encoded), 76)]
    assert read_card(png(text_chunk(b"chara", text(pieces)))).card.name == "Mira"


def test_the_picture_comes_without_its_texts() -> None:
    read = read_card(png_card())
    assert read.picture is not None
    assert read.picture.startswith(files.SIGNATURE)
    assert b"tEXt" not in read.picture
    animated = read_card(png_card(around=files.animation()))
    assert animated.picture is not None
    assert b"fdAT" not in animated.picture


def test_the_main_icon_of_an_archive_is_its_picture() -> None:
    assets = [
        {"type": "icon", "uri": "embeded://assets/other.png", "name": "other"},
        {"type": "icon", "uri": "embeded://assets/main.png", "name": "main"},
    ]
    data = charx({"card.json": as_json(files.card(3, assets=assets)), "assets/main.png": PICTURE})
    assert read_card(data).picture == PICTURE


@pytest.mark.parametrize("uri", ["https://example.com/x.png", "ccdefault:", "embeded://nowhere.png", "", 7])
def test_a_picture_that_is_not_in_the_file_is_none(uri: object) -> None:
    assets = [{"type": "icon", "uri": uri, "name": "main"}]
    assert read_card(charx({"card.json": as_json(files.card(3, assets=assets))})).picture is None


def test_a_picture_in_the_card_itself_is_read() -> None:
    uri = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    assert read_card(as_json(files.card(3, assets=[{"type": "icon", "uri": uri}]))).picture == PICTURE
    assert read_card(as_json(files.card(3, assets=[{"type": "icon", "uri": uri + "é"}]))).picture is None


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"tags": "sea, night"}, "tags"),
        ({"character_book": ""}, "character_book"),
        ({"character_book": []}, "character_book"),
        ({"character_version": 1.5}, "character_version"),
        ({"extensions": []}, "extensions"),
        ({"assets": {}}, "assets"),
    ],
)
def test_a_wrong_type_counts_as_missing_and_stays_in_the_file(fields: dict[str, Any], wrong: str) -> None:
    card = parse_card(as_json(files.card(3, **fields)))
    assert card.mistyped == (wrong,)
    assert (card.tags, card.book, card.text("character_version"), card.extensions) == ((), None, "", {})
    edited = changed(card, description="Another.")
    assert raw_fields(edited.raw)[f"data.{wrong}"] == raw_fields(card.raw)[f"data.{wrong}"]
    assert read_card(to_png(card, PICTURE)).card.data[wrong] == fields[wrong]
    assert changed(card, tags=["sea"]).tags == ("sea",)


@pytest.mark.parametrize(
    "broken",
    [b"", b"!!!", b"eyJ4Ijo=", base64.b64encode(as_json(files.card(name=""))), b"A" * (9 << 20)],
    ids=["empty", "no base64", "half", "no name", "large"],
)
def test_a_broken_card_beside_a_good_one_costs_itself_alone(broken: bytes) -> None:
    good = text_chunk(b"chara", base64.b64encode(as_json(files.card())))
    read = read_card(png(text_chunk(b"ccv3", broken), good))
    assert (read.card.name, read.card.version, read.notes) == ("Mira", 2, ("broken",))
    assert read.picture is not None


def test_of_two_different_cards_the_first_is_taken_and_that_is_told() -> None:
    first, second = (
        text_chunk(b"chara", base64.b64encode(as_json(files.card(name=name)))) for name in ("Mira", "Nora")
    )
    read = read_card(png(first, second))
    assert (read.card.name, read.notes) == ("Mira", ("several",))
    assert read_card(png(first, first)).notes == ()


def test_texts_that_a_program_has_written_in_another_way_are_read() -> None:
    text = base64.b64encode(as_json(files.card()))
    packed = zlib.compress(text)
    for other in (
        chunk(b"zTXt", b"chara\0\0" + packed),
        chunk(b"iTXt", b"Chara\0\0\0en\0\xc3\xa9\0" + text),
        chunk(b"iTXt", b"chara\0\1\0\0\0" + packed),
    ):
        assert read_card(png(other)).card.name == "Mira"
        assert set(texts_of(to_png(parse_card(as_json(files.card())), png(other)))) == {"chara", "ccv3"}
        assert to_png(parse_card(as_json(files.card())), png(other)).count(b"hara\0") == 1


def test_an_archive_behind_a_picture_is_read_and_the_picture_taken_if_it_has_no_other() -> None:
    jpeg = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(jpeg, "JPEG")
    data = jpeg.getvalue() + charx({"card.json": as_json(files.card(3))})
    read = read_card(data)
    assert (read.card.name, read.picture) == ("Mira", data)
    assets = [{"type": "icon", "uri": "embedded://main.png", "name": "main"}]
    both = charx({"card.json": as_json(files.card(3, assets=assets)), "main.png": PICTURE})
    assert read_card(jpeg.getvalue() + both).picture == PICTURE


def test_a_picture_that_is_too_large_costs_the_picture_alone() -> None:
    assets = [{"type": "icon", "uri": "embeded://main.png", "name": "main"}]
    card = as_json(files.card(3, assets=assets))
    for content, packing in ((b"\0" * (MAX_FILE_BYTES + 1), zipfile.ZIP_DEFLATED), (PICTURE, zipfile.ZIP_BZIP2)):
        data = charx({"card.json": card, "main.png": content}, main=packing)
        assert read_card(data) == ReadCard(parse_card(card), None, ("picture",))


# --- writing


@given(files.cards)
def test_what_is_written_is_read_again_byte_for_byte(content: dict[str, Any]) -> None:
    card = parse_card(as_json(content))
    assert to_json(card) == as_json(content)
    again = read_card(to_png(card, PICTURE)).card
    before, after = raw_fields(card.raw), raw_fields(again.raw)
    assert again.version == 3
    for name, value in before.items():
        if name not in {"spec", "spec_version"}:
            assert after[name] == value
            assert card.version > 1 or name not in files.FIRST or after[f"data.{name}"] == value
    once_more = read_card(to_png(again, PICTURE)).card
    assert once_more.raw == again.raw


@given(files.cards)
def test_programs_that_know_v2_or_v3_find_what_they_need(content: dict[str, Any]) -> None:
    found = texts_of(to_png(parse_card(as_json(content)), png_card()))
    assert set(found) == {"chara", "ccv3"}
    assert (found["chara"]["spec"], found["chara"]["spec_version"]) == ("chara_card_v2", "2.0")
    assert (found["ccv3"]["spec"], found["ccv3"]["spec_version"]) == ("chara_card_v3", "3.0")
    assert isinstance(found["ccv3"]["data"]["group_only_greetings"], list)
    fields = content.get("data", content) if "spec" in content else content
    for data in (found["chara"]["data"], found["ccv3"]["data"]):
        assert [data[name] for name in files.FIRST] == [fields[name] for name in files.FIRST]
        assert isinstance(data["extensions"], dict)


@given(files.cards, st.sampled_from(sorted(EDITABLE - {"tags", "character_book", "extensions", "name"})), files.names)
def test_an_edit_changes_its_field_and_no_byte_of_the_others(content: dict[str, Any], name: str, text: str) -> None:
    card = parse_card(as_json(content))
    value: Any = [text] if name.endswith("greetings") else text
    edited = changed(card, **{name: value})
    assert edited.data[name] == value
    before, after = raw_fields(card.raw), raw_fields(edited.raw)
    kept = set(before) - {name, f"data.{name}", "spec", "spec_version"}
    assert {field: after[field] for field in kept} == {field: before[field] for field in kept}
    if f"data.{name}" in before and name in before and "spec" in content:
        assert after[name] == after[f"data.{name}"]  # repeated for old programs


def test_numbers_and_spaces_stay_as_they_were_written() -> None:
    text = b'{"spec":"chara_card_v2","x":1e5,"data":{"name":"Mira","extensions":{"a":1.10, "b": "\\u00e9"}}}'
    edited = changed(parse_card(text), name="Nora")
    assert edited.raw == text.replace(b"Mira", b"Nora")


def test_the_third_version_keeps_when_it_was_changed() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    for fields in ({"modification_date": 5}, {}):
        assert changed(parse_card(as_json(files.card(3, **fields))), at=now, name="Nora").data == {
            **files.card(3, name="Nora")["data"],
            "modification_date": 1_777_593_600,
        }
    untouched = parse_card(as_json(files.card(3, modification_date=5)))
    assert changed(untouched, at=now).data["modification_date"] == 5
    for version in (1, 2):
        old = parse_card(as_json(files.card(version)))
        assert "modification_date" not in changed(old, at=now, name="Nora").data


def test_only_known_fields_are_edited() -> None:
    with pytest.raises(ValueError, match="no such fields: assets"):
        changed(parse_card(as_json(files.card(3))), assets=[])


# --- refusing


def nested(depth: int) -> bytes:
    return b'{"name":"x","description":' + b"[" * depth + b"]" * depth + b"}"


def bomb() -> bytes:
    return charx({"card.json": b" " * (64 << 20)})


def lying_charx() -> bytes:
    data = bytearray(charx({"card.json": as_json(files.card(3))}))
    data[-10:-6] = (2 << 20).to_bytes(4, "little")
    return bytes(data)


def twice_charx() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("card.json", as_json(files.card(3)))
        with warnings.catch_warnings(action="ignore"):
            archive.writestr("card.json", as_json(files.card(3)))
    return target.getvalue()


PACKED = zlib.compress(b"A" * (64 << 20))
BASE64 = base64.b64encode(as_json(files.card()))
FAULTS: dict[str, tuple[bytes, str]] = {
    "an empty file": (b"", "format"),
    "a text": (b"Once upon a time", "format"),
    "too large a file": (b"{" + b" " * MAX_FILE_BYTES, "file"),
    "a picture without a card": (PICTURE, "no card"),
    "an archive without a card": (charx({"a.txt": b"x"}), "no card"),
    "a picture that is cut off": (png_card()[:-30], "png"),
    "nothing but a signature": (files.SIGNATURE, "png"),
    "a chunk longer than the file": (files.SIGNATURE + b"\xff\xff\xff\xfftEXtchara", "png"),
    "a wrong checksum": (png(text_chunk(b"chara", BASE64, crc=1)), "crc"),
    "100,000 chunks": (png(chunk(b"tEXt", b"x\0") * 100_000), "chunks"),
    "two cards, both damaged": (png(text_chunk(b"ccv3", b"A"), text_chunk(b"chara", b"{}")), "base64"),
    "an archive with two cards": (twice_charx(), "duplicate"),
    "wrong base64": (png(text_chunk(b"chara", b"!!!!" + BASE64)), "base64"),
    "base64 of half a byte": (png(text_chunk(b"chara", b"A")), "base64"),
    "a damaged compressed text": (png(chunk(b"zTXt", b"chara\0\0" + b"x" * 100)), "base64"),
    "a bomb of a text": (png(*[chunk(b"zTXt", b"chara\0\0" + PACKED + bytes([n])) for n in range(99)]), "large"),
    "a bomb of an international text": (png(chunk(b"iTXt", b"ccv3\0\1\0\0\0" + PACKED)), "large"),
    "a JPEG without an archive": (b"\xff\xd8\xff\xe0" + b"x" * 100, "format"),
    "base64 of too much": (png(text_chunk(b"chara", b"A" * (8 << 20) + b"AAAA")), "large"),
    "a card of more than 4 MiB": (as_json(files.card(description="x" * (4 << 20))), "large"),
    "a bomb": (bomb(), "large"),
    "a damaged archive": (charx({"card.json": b"x" * 99})[:-40], "archive"),
    "an archive that lies about its length": (lying_charx(), "chunks"),
    "an archive packed in another way": (charx({"card.json": b"{}"}, zipfile.ZIP_BZIP2), "archive"),
    "an archive of too many files": (charx({f"{number}": b"" for number in range(2_001)}), "chunks"),
    "a path that leads up": (charx({"../card.json": b"{}"}), "path"),
    "a path from the root": (charx({"/etc/card.json": b"{}"}), "path"),
    "a path of another system": (charx({"..\\card.json": b"{}"}), "path"),
    "a path with a drive": (charx({"c:/card.json": b"{}"}), "path"),
    "100,000 levels": (nested(100_000), "deep"),
    "33 levels": (nested(32), "deep"),
    "brackets without end": (b'{"name":"x","description":[' + b"[]," * 300_000 + b"0]}", "many"),
    "a number of 5,000 digits": (b'{"name":"x","description":' + b"1" * 5_000 + b"}", "number"),
    "a number with a huge exponent": (b'{"name":"x","description":1e5000}', "number"),
    "NaN": (b'{"name":"x","description":NaN}', "json"),
    "half a JSON": (b'{"name":"x"', "json"),
    "text behind the JSON": (b'{"name":"x"} x', "json"),
    "a lone surrogate at the end": (b'{"name":"x","description":"\\ud83d"}', "text"),
    "a lone surrogate": (b'{"name":"x","description":"\\udc00 and more"}', "text"),
    "a surrogate in the bytes": (b'{"name":"x","description":"\xed\xa0\x80"}', "text"),
    "bytes that are no text": (b'{"name":"x","description":"\xff"}', "text"),
    "another object": (b'{"temperature": 1}', "card"),
    "a name alone": (b'{"name": "x"}', "card"),
    "a lorebook": (b'{"spec": "lorebook_v3", "data": {}}', "card"),
    "a spec that is no text": (b'{"spec": 3, "data": {}}', "card"),
    "a version from the future": (b'{"spec": "chara_card_v4", "data": {}}', "spec"),
    "a card without data": (b'{"spec": "chara_card_v2"}', "fields"),
    "a text that is a list": (as_json(files.card(description=[])), "fields"),
    "a name that is a number": (as_json(files.card(name=7)), "fields"),
    "a character without a name": (as_json(files.card(name=" \n")), "name"),
}


@pytest.mark.parametrize(("data", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_no_card_is_refused_soon_and_says_why(data: bytes, fault: str) -> None:
    started = time.process_time()
    with pytest.raises(CardError) as refused:
        read_card(data)
    assert refused.value.fault == fault
    assert time.process_time() - started < 1.0


@given(st.binary(max_size=200), st.sampled_from([b"", files.SIGNATURE, b"PK\x03\x04", b"{", BASE64]))
def test_no_bytes_raise_anything_else(data: bytes, beginning: bytes) -> None:
    with pytest.raises(CardError):
        read_card(beginning + data)


@given(st.sampled_from([png_card(), charx({"card.json": as_json(files.card(3))}), as_json(files.card())]), st.data())
def test_damage_anywhere_is_refused_or_harmless(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=3)):
        damaged[place] ^= data.draw(st.integers(1, 255))
    try:
        card = read_card(bytes(damaged)).card
    except CardError:
        return
    assert parse_card(card.raw).raw == card.raw


def test_32_levels_are_read() -> None:
    content = files.card(extensions=json.loads(b'{"x":' + b"[" * 29 + b"]" * 29 + b"}"))
    assert parse_card(as_json(content)).name == "Mira"
