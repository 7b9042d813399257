"""Pictures made small, and how they stand in a request."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from chat._gallery import Gallery
from chat.adaptation import adapt
from chat.models import ModelCatalogue
from chat.pictures import (
    LONGEST_SIDE,
    MOST_KEPT_BYTES,
    PICTURE_TOKENS,
    UnreadablePictureError,
    pictures_in,
    shrunk,
)
from chat.prompt import PromptBuilder, Turn
from chat.tokens import TokenEstimator
from storage import ModelFacts, Picture, StoredMessage
from storage.records import utc_now


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


def claimed_png(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_pictures_become_small_jpegs(kind: str) -> None:
    picture = shrunk(7, "cat.png", encoded(Image.new("RGB", (1600, 400), "red"), kind))
    assert (picture.content_type, picture.width, picture.height) == ("image/jpeg", 1600, 400)
    assert opened(picture).format == "JPEG"
    assert max(opened(picture).size) <= LONGEST_SIDE
    red, green, blue = opened(picture).getpixel((50, 50))  # type: ignore[misc]  # an RGB picture's pixels are three numbers
    assert red > 240
    assert green < 20
    assert blue < 20


def test_small_pictures_stay_as_large_as_they_are() -> None:
    assert opened(shrunk(7, "cat.png", encoded(Image.new("RGB", (20, 10)), "PNG"))).size == (20, 10)


def test_what_is_transparent_stays_so() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 255, 0))
    picture = shrunk(7, "logo.png", encoded(image, "PNG"))
    assert picture.content_type == "image/png"
    assert opened(picture).mode == "RGBA"
    assert shrunk(7, "x.png", encoded(Image.new("RGBA", (4, 4), "red"), "PNG")).content_type == "image/jpeg"


def test_only_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    picture = shrunk(7, "a.gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert opened(picture).convert("RGB").getpixel((5, 5))[0] > 200  # type: ignore[index]  # as above


def test_pictures_stand_upright_and_tell_nothing_of_where_they_were_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a phone held upright
    exif[0x010E] = "taken at home"
    data = encoded(Image.new("RGB", (200, 100)), "JPEG", exif=exif, comment=b"taken at home")
    picture = shrunk(7, "photo.jpg", data)
    assert (picture.width, picture.height) == opened(picture).size == (100, 200)
    assert b"taken at home" in data
    assert b"taken at home" not in picture.data
    assert not opened(picture).getexif()


def test_pictures_are_kept_small_in_bytes_whatever_they_show() -> None:
    noise, alpha = Image.effect_noise((1024, 1024), 200), Image.effect_noise((400, 400), 200)
    for image in (
        Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180))),
        Image.merge("RGBA", (alpha, alpha, alpha, alpha)),
    ):
        assert len(shrunk(7, "noise.bmp", encoded(image, "PNG", compress_level=0)).data) <= MOST_KEPT_BYTES


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"png",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        claimed_png(100_000, 100_000),
        claimed_png(8_000, 8_000),
        encoded(Image.new("RGB", (300, 300)), "PNG")[:-30],
        encoded(Image.new("RGB", (10, 10)), "BMP"),
        encoded(Image.effect_noise((64, 64), 50), "JPEG")[:600],
    ],
    ids=["empty", "name only", "svg", "bomb", "quiet bomb", "cut png", "bmp", "cut jpeg"],
)
def test_what_cannot_be_opened_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadablePictureError):
        shrunk(7, "cat.png", data)


# --- which models see


@pytest.mark.parametrize(
    ("model", "sees"),
    [
        ("Qwen-Qwen2.5-VL-72B-Instruct", True),
        ("Qwen-Qwen3.6-35B-A3B", True),
        ("mistralai-Pixtral-12B-2409", True),
        ("llava-v1.6-34b", True),
        ("Llama-3.2-90B-Vision-Instruct", True),
        ("meta-llama-Llama-4-Scout-17B-16E-Instruct", True),
        ("google-gemma-3-27b-it", True),
        ("google-gemma-3-1b-it", False),
        ("Qwen-Qwen3-30B-A3B", False),
        ("Sao10K-72B-Qwen2.5-Kunou-v1-FP8-Dynamic", False),
        ("Sao10K-L3.3-70B-Euryale-v2.3-FP8-Dynamic", False),
        ("TheDrummer-Anubis-70B-v1-FP8-Dynamic", False),
        ("Evli-Pavlova-9B", False),
    ],
)
async def test_models_that_see_are_known_by_name_until_they_refuse(model: str, sees: bool) -> None:
    models = ModelCatalogue(None, Facts())
    assert models.takes_pictures(model) is sees
    await models.learn_picture_limit(model, 0)
    assert not models.takes_pictures(model)
    assert not ModelCatalogue(None, Facts()).takes_pictures("another")


class Facts:
    """Nothing was learned before."""

    async def all(self) -> dict[str, ModelFacts]:
        return {}

    async def save(self, facts: ModelFacts) -> None:
        assert facts.picture_limit == 0


# --- in a request


def picture(number: int) -> Picture:
    return Picture(number, f"{number}.png", "image/png", 10, 20, str(number).encode())


class Wall:
    """Pictures by message, and which messages were asked for."""

    def __init__(self, shown: dict[int, list[Picture]]) -> None:
        self.shown = shown
        self.asked: list[int] = []

    async def of(self, guild_id: int | None, message_ids: list[int]) -> dict[int, list[Picture]]:
        assert guild_id == 11
        self.asked += message_ids
        return {number: self.shown[number] for number in message_ids if number in self.shown}


def gallery(most: int, **shown: list[Picture]) -> tuple[Gallery, Wall]:
    wall = Wall({int(name[1:]): pictures for name, pictures in shown.items()})
    return Gallery(wall, 11, most), wall  # type: ignore[arg-type]  # it reads as `Pictures` does


def message(number: int, role: Any = "user", content: str = "[Picture: cat.png, 10x20]") -> StoredMessage:
    return StoredMessage(
        number, 11, 21, number - 1, role, 31, "Ada", None, None, content, "complete", None, None, utc_now()
    )


async def test_the_newest_pictures_are_shown_and_older_ones_named() -> None:
    shown, wall = gallery(2, m5=[picture(5)], m3=[picture(3)], m1=[picture(1)])
    turns = await shown.turns([message(5), message(4, "assistant"), message(3)])
    turns += await shown.turns([message(2, "assistant"), message(1)])
    assert [turn.pictures for turn in turns] == [(picture(5),), (), (picture(3),), (), ()]
    assert turns[-1].content == message(1).content
    assert not shown.unseen
    assert wall.asked == [5, 3]


async def test_a_history_without_pictures_asks_for_none() -> None:
    shown, wall = gallery(4)
    await shown.turns([message(2, "assistant"), message(1, content="hello")])
    assert wall.asked == []


async def test_a_model_that_is_blind_is_told_so() -> None:
    shown, _ = gallery(0, m1=[picture(1)])
    (turn,) = await shown.turns([message(1)])
    assert turn.pictures == ()
    assert turn.content.endswith("\n[You cannot see pictures.]")
    assert shown.unseen


async def test_an_old_picture_that_a_blind_model_missed_is_no_news() -> None:
    shown, _ = gallery(0, m1=[picture(1)])
    await shown.turns([message(3, content="and now?"), message(2, "assistant"), message(1)])
    assert not shown.unseen


async def test_words_that_only_look_like_a_picture_are_words() -> None:
    shown, _ = gallery(0)
    (turn,) = await shown.turns([message(1)])
    assert turn.content == message(1).content
    assert not shown.unseen


async def test_of_too_many_pictures_the_first_are_shown() -> None:
    shown, _ = gallery(1, m1=[picture(1), picture(2)])
    (turn,) = await shown.turns([message(1)])
    assert turn.pictures == (picture(1),)
    assert turn.content.endswith("[Of these pictures you are shown the first 1.]")


def test_pictures_count_in_the_budget() -> None:
    def built(*pictures: Picture) -> Any:
        builder = PromptBuilder(TokenEstimator(), 8192, 400)
        builder.offer(Turn(1, "user", "Ada", "look", pictures))
        return builder.build()

    assert built(picture(1), picture(2)).history_tokens == built().history_tokens + 2 * PICTURE_TOKENS
    assert pictures_in(built(picture(1)).messages) == 1


def test_messages_with_pictures_merge_with_their_neighbours() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    shown = {"role": "user", "content": [{"type": "text", "text": "two"}, image]}
    messages = adapt(
        [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "one"},
            shown,
            {"role": "user", "content": "three"},
            shown,
        ],
        system_role=False,
    )
    assert messages == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "be kind\n\none\n\ntwo"},
                image,
                {"type": "text", "text": "three\n\ntwo"},
                image,
            ],
        }
    ]
    assert adapt(messages, system_role=False) == messages
