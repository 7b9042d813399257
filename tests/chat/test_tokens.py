from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import tokens
from chat.tokens import TokenEstimator, base_tokens, raw_tokens
from tests.chat.tokenizers import TOKENIZERS, count_prompt

STORY = 'The old harbour was quiet that evening; Ada counted 1,204 lamps and said: "We\'ll wait."\n\n'


def test_english_has_about_four_characters_a_token() -> None:
    assert 3.2 < len(STORY) / base_tokens(STORY) < 4.6


@pytest.mark.parametrize(
    ("text", "lowest", "highest"),
    [
        ("", 0, 0),
        ("Hello", 1, 1),
        ("12345678", 3, 4),
        ("他们在港口等了很久", 8, 14),
        ("Они долго ждали в гавани", 8, 20),
        ("🙂🙂🙂", 3, 9),
        (" " * 160, 5, 20),
        ("\ud800\ud800", 1, 4),
    ],
)
def test_every_class_of_characters_counts(text: str, lowest: int, highest: int) -> None:
    assert lowest <= TokenEstimator().estimate(text) <= highest


@given(st.text(max_size=400), st.text(max_size=400))
def test_a_longer_text_never_counts_less(first: str, second: str) -> None:
    whole = base_tokens(first + "\n" + second)
    assert whole >= max(base_tokens(first), base_tokens(second)) - 1e-9
    assert whole <= base_tokens(first) + base_tokens(second) + 1 + 1e-9


def test_a_message_costs_more_than_its_text() -> None:
    estimator = TokenEstimator(1.5, 3)
    assert estimator.estimate_message("user", STORY) == pytest.approx(estimator.estimate(STORY) + 6, abs=1)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_ratio_is_learned_within_a_few_prompts(name: str) -> None:
    rng = random.Random(7)
    estimator = TokenEstimator()
    for _ in range(25):
        prompt = [{"role": "user", "content": STORY * rng.randint(1, 9)} for _ in range(rng.randint(2, 30))]
        estimator = estimator.corrected(raw_tokens(prompt), count_prompt(TOKENIZERS[name], prompt))
    prompt = [{"role": "user", "content": STORY * 20}] * 5
    actual = count_prompt(TOKENIZERS[name], prompt)
    estimated = sum(estimator.estimate_message("user", message["content"]) for message in prompt)
    assert abs(estimated - actual) <= actual * estimator.margin
    assert estimator.margin == pytest.approx(0.02)


def test_the_margin_shrinks_with_samples() -> None:
    margins = [TokenEstimator(1.0, samples).margin for samples in (0, 1, 5, 10, 30, 1000)]
    assert margins[0] == pytest.approx(0.10)
    assert margins == sorted(margins, reverse=True)
    assert margins[-1] == pytest.approx(0.02)
    assert TokenEstimator(None, 50).margin == pytest.approx(0.10)


def test_one_absurd_report_does_little() -> None:
    settled = TokenEstimator(1.0, 30)
    assert settled.corrected(1000, 1_000_000).ratio == pytest.approx(1.05)
    assert settled.corrected(1000, 1).ratio == pytest.approx(1 - 0.1 / 3, rel=0.01)
    assert TokenEstimator().corrected(1000, 1_000_000).ratio == pytest.approx(4.0)


def test_short_or_empty_reports_teach_nothing() -> None:
    estimator = TokenEstimator(1.2, 4)
    assert estimator.corrected(20, 90) is estimator
    assert estimator.corrected(5000, 0) is estimator


@pytest.mark.parametrize("text", [STORY, "他们在港口等了很久，灯光亮起来。", "a1!", "é文"])
def test_long_texts_are_estimated_quickly(text: str) -> None:
    def seconds(long: str) -> float:
        started = time.thread_time()
        tokens._count(long)
        return time.thread_time() - started

    long = (text * 100_000)[:100_000]
    tenth = min(seconds(long[:10_000]) for _ in range(10))
    assert min(seconds(long) for _ in range(5)) < 30 * tenth  # what takes ten times as long is ten times as much


def test_remembered_estimates_stay_bounded_and_hold_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_CACHED_ESTIMATES", 10)
    for number in range(50):
        base_tokens(f"message {number}")
    assert len(tokens._estimates) <= 10
    assert all(isinstance(part, int) for key in tokens._estimates for part in key)
