"""What is read of the files that come with a message, and how they stand among the words."""

import codecs
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.attachments import (
    LITTLE_TEXT,
    MOST_CHARACTERS,
    MOST_FILE_BYTES,
    MOST_FILES,
    MOST_PICTURE_BYTES,
    MOST_PICTURES,
    Attached,
    Fault,
    Kind,
    Offered,
    as_text,
    chosen,
    one_line,
    woven,
)
from chat.attachments import Woven as Said
from chat.pictures import PICTURE_MARK
from storage import Picture, clean_text


def offered(name: str = "notes.txt", content_type: str = "text/plain", size: int = 10) -> Offered:
    return Offered(1, name, content_type, size)


def texts(*files: tuple[str, str]) -> list[Attached]:
    return [Attached(offered(name), text=text) for name, text in files]


# --- which files hold text


@pytest.mark.parametrize(
    ("name", "content_type", "kind"),
    [
        ("message.txt", "text/plain; charset=utf-8", Kind.TEXT),
        ("main.py", "text/x-python", Kind.TEXT),
        ("main.rs", "", Kind.TEXT),
        ("index.ts", "video/mp2t", Kind.TEXT),  # TypeScript, whatever Discord takes it for
        ("Makefile", "", Kind.TEXT),
        (".gitignore", "application/octet-stream", Kind.TEXT),
        ("data", "application/json", Kind.TEXT),
        ("feed", "application/atom+xml; charset=utf-8", Kind.TEXT),
        ("drawing.svg", "image/svg+xml", Kind.TEXT),
        ("cat.PNG", "image/png", Kind.PICTURE),
        ("notes.txt", "image/png", Kind.PICTURE),
        ("cat.bmp", "image/bmp", Kind.OTHER),
        ("README.pdf", "application/pdf", Kind.OTHER),
        ("song.mp3", "audio/mpeg", Kind.OTHER),
        ("all.zip", "application/zip", Kind.OTHER),
        ("secret.bin", "application/octet-stream", Kind.UNKNOWN),
        ("unheardof.xyz", "", Kind.UNKNOWN),
    ],
)
def test_names_and_types_tell_what_a_file_is(name: str, content_type: str, kind: Kind) -> None:
    assert offered(name, content_type).kind is kind


def test_only_so_much_is_fetched() -> None:
    files = [offered(size=MOST_FILE_BYTES), offered(size=MOST_FILE_BYTES + 1), offered("v.mp4", "video/mp4", 1)]
    files += [offered("a.png", "image/png", MOST_PICTURE_BYTES), offered("a.png", "image/png", MOST_PICTURE_BYTES + 1)]
    faults = [plan.fault for plan in chosen(files)]
    assert faults == [None, Fault.TOO_LARGE, Fault.KIND, None, Fault.TOO_LARGE]


def test_only_so_many_are_fetched() -> None:
    plans = chosen([offered()] * 20 + [offered("a.png", "image/png")] * 20)
    assert [plan.fault for plan in plans].count(None) == MOST_FILES + MOST_PICTURES
    assert {plan.fault for plan in plans} == {None, Fault.TOO_MANY}


# --- from bytes to text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("grüße 🌊".encode(), "grüße 🌊"),
        (codecs.BOM_UTF8 + "grüße".encode(), "grüße"),
        (codecs.BOM_UTF16_LE + "grüße".encode("utf-16-le"), "grüße"),
        (codecs.BOM_UTF16_BE + "grüße".encode("utf-16-be"), "grüße"),
        (codecs.BOM_UTF32_LE + "grüße".encode("utf-32-le"), "grüße"),
        ("She said “grüße” – for 5 €.".encode("cp1252"), "She said “grüße” – for 5 €."),
        ("grüße und gr\x81nde".encode("latin-1"), "grüße und grnde"),
        (b"one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        (b"\x1b[31mred\x1b[0m\ttab", "red\ttab"),
        (codecs.BOM_UTF16_LE + "a\0b\ud83d".encode("utf-16-le", "surrogatepass"), "ab�"),
        ("a line of a log, in German: größer\n".encode() * 50 + b"\xff\n", None),
        (b"", ""),
    ],
)
def test_texts_are_decoded(data: bytes, text: str | None) -> None:
    found = as_text(offered(), data).text
    assert found is not None
    if text is None:
        assert found.count("größer") == 50
        assert "�" in found
    else:
        assert found == text


@pytest.mark.parametrize(
    "data",
    [
        b"looks like text\0but is none",
        bytes(range(1, 256)) * 4,
        "Привет, как дела? Это длинный текст.".encode("cp1251"),  # nobody says which encoding it is in
        b"GIF89a\x01\x02\x03\x04\x05\x06\x07\x08",
    ],
)
def test_other_bytes_are_no_text(data: bytes) -> None:
    assert as_text(offered(), data).fault is Fault.NO_TEXT
    assert as_text(offered("thing.xyz", ""), data).fault is Fault.KIND


@given(st.binary(max_size=300))
def test_whatever_is_decoded_can_be_stored_and_shown(data: bytes) -> None:
    text = as_text(offered(), data).text
    if text is not None:
        assert clean_text(text) == text
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=200))
def test_utf_8_comes_back_as_it_was(text: str) -> None:
    assert as_text(offered(), text.encode()).text == text.replace("\ufeff", "")


# --- among the words


def test_a_file_stands_under_its_name_in_a_fence() -> None:
    said = woven("Why does it fail?", texts(("main.py", "print(1\n"), ("run.log", "SyntaxError")))
    assert said == Said(
        "Why does it fail?\n\n[File: main.py]\n```\nprint(1\n```\n\n[File: run.log]\n```\nSyntaxError\n```",
        notes=("📎 I read `main.py`, `run.log`.",),
    )


@given(st.text(alphabet="`a\n", max_size=60))
def test_no_file_can_close_its_fence(text: str) -> None:
    content = woven("", texts(("a.md", text))).content
    fence = content.splitlines()[1]
    inside = content.split("\n", 2)[2].rsplit("\n", 1)[0]
    assert fence == content.splitlines()[-1]
    assert fence not in inside


def test_a_long_paste_is_the_person_s_own_words() -> None:
    assert woven("", texts(("message.txt", "Once upon a time"))) == Said("Once upon a time")
    assert woven("Go on:", texts(("message.txt", "Once"))) == Said("Go on:\n\nOnce")
    long = "x" * (LITTLE_TEXT + 1)
    assert woven(long, texts(("message.txt", "Once"))).content == f"{long}\n\n[File: message.txt]\n```\nOnce\n```"
    assert woven("", texts(("message.txt", "Once\n((brb))\nupon a time"))) == Said("Once\nupon a time")


def test_what_is_too_long_is_cut_at_the_end_of_a_line_and_says_so() -> None:
    text = "a line of forty characters, all in all.\n" * 10_000
    said = woven("see", texts(("big.log", text)))
    kept = said.content.split("```")[1].strip("\n")
    assert kept.endswith("all in all.\n[… cut here: the first 23,999 of 399,999 characters …]")
    assert said.notes == ("📎 `big.log`: I read the first 23,999 of 399,999 characters.",)


def test_short_files_are_whole_beside_a_long_one() -> None:
    said = woven("", texts(("big.log", "q" * 90_000), ("small.txt", "y" * 6_000), ("big.csv", "z" * 90_000)))
    assert "y" * 6_000 in said.content
    assert said.content.count("q") == said.content.count("z") == (MOST_CHARACTERS - 6_000) // 2
    assert said.notes[-1] == "📎 I read `small.txt`."


@given(st.lists(st.text(alphabet="ab\n", max_size=40).map(lambda text: text * 1000), max_size=6))
def test_the_budget_holds_whatever_is_attached(contents: list[str]) -> None:
    said = woven("", texts(*((f"{n}.txt", text) for n, text in enumerate(contents))))
    assert len(said.content) <= MOST_CHARACTERS + 150 * len(contents)
    lengths = [len(text.strip("\n")) for text in contents]
    assert bool(sum(lengths) > MOST_CHARACTERS) == any("first" in note for note in said.notes)


def test_pictures_are_named_and_go_along() -> None:
    cat = Picture(7, "cat.png", "image/jpeg", 800, 600, b"")
    said = woven("look", [Attached(offered("cat.png", "image/png"), picture=cat)])
    assert said == Said("look\n[Picture: cat.png, 800x600]", (cat,))
    assert PICTURE_MARK in said.content


def test_what_is_not_read_is_named_with_a_reason() -> None:
    files = [
        Attached(offered("film.mp4", "video/mp4", 2_000_000), fault=Fault.KIND),
        Attached(offered("a.txt", size=100_000_000), fault=Fault.TOO_LARGE),
        *[Attached(offered(f"{n}.log", ""), fault=Fault.UNREACHABLE) for n in range(5)],
    ]
    said = woven("", files)
    assert said.content.splitlines()[:3] == [
        "[Attached: film.mp4, video/mp4, 2,000,000 bytes; its content is not shown to you]",
        "[Attached: a.txt, text/plain, 100,000,000 bytes; its content is not shown to you]",
        "[Attached: 0.log, file, 10 bytes; it could not be read]",
    ]
    assert said.notes == (
        "📎 I did not read `film.mp4`: I take text files and pictures.",
        "📎 I did not read `a.txt`: I take text up to 1 MB and pictures up to 10 MB.",
        "📎 I did not read `0.log`, `1.log`, `2.log` and 2 more: Discord did not give it to me. Attach it again.",
    )


@given(st.text(max_size=300))
def test_names_stay_on_one_short_line(name: str) -> None:
    plain = one_line(name)
    assert 0 < len(plain) <= 81
    assert not re.search(r"[`\[\]\n\r\x00*@<>]", plain)
