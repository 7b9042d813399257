"""What stands in Discord is read back as what was written, whatever was done to make it fit."""

from hypothesis import given
from hypothesis import strategies as st

from chat.splitting import ReplyParts
from cogs.recovery import joined, said_after

words = st.text(st.characters(categories=("Ll", "Lu", "Nd")), min_size=1, max_size=12)
prose = st.lists(words, min_size=1, max_size=12).map(" ".join)
lines = st.lists(words, min_size=1, max_size=8).map("\n".join)
code = st.builds("```{}\n{}\n```".format, st.sampled_from(["", "python", "c++"]), lines)
replies = st.lists(st.tuples(prose, code), min_size=1, max_size=4).map(lambda parts: "\n".join(map("\n".join, parts)))


def squeezed(text: str) -> str:
    return "".join(text.split())


def shown(text: str, limit: int) -> list[str]:
    parts = ReplyParts(limit)
    parts.append(text)
    return parts.parts


@given(replies, st.integers(40, 200))
def test_code_blocks_that_were_parted_are_one_again(text: str, limit: int) -> None:
    assert squeezed(joined(shown(text, limit))) == squeezed(text)


@given(replies, prose, st.integers(40, 200))
def test_what_stood_there_before_stays_as_it_was(before: str, more: str, limit: int) -> None:
    kept = said_after(before, joined(shown(f"{before}\n{more}", limit)))
    assert kept.startswith(before)
    assert squeezed(kept) == squeezed(before + more)
    assert said_after(before, joined(shown(before, limit))) == before


@given(prose, prose)
def test_a_reply_that_says_something_else_counts_as_a_whole(before: str, said: str) -> None:
    kept = said_after(before, said)
    assert squeezed(kept) == squeezed(said)
    assert said_after("", said) == said
