from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.pacing import JITTER_SECONDS, RequestBudget, StreamPacer, WriteAllowance

TOKENS_PER_SECOND = 40
WINDOW = 5 + JITTER_SECONDS  # how long a write counts for us
EVEN = WINDOW / 5


@dataclass
class Stream:
    """One simulated reply: posted first, then edited; knows what was shown when."""

    pacer: StreamPacer
    allowance: WriteAllowance
    started: float
    seconds: float
    shown: list[float] = field(default_factory=list)

    @property
    def ends(self) -> float:
        return self.started + self.seconds

    @property
    def final_late(self) -> float:
        return self.shown[-1] - self.ends

    @property
    def mean_lag(self) -> float:
        count = max(1, int(self.seconds * TOKENS_PER_SECOND))
        made = [self.started + (number + 1) / TOKENS_PER_SECOND for number in range(count)]
        return sum(next(at for at in self.shown if at >= token - 1e-6) - token for token in made) / count


def simulate(streams: list[Stream]) -> None:
    """Run the streams on one clock, each asking again whenever its wait is over, until all final texts are out."""
    order = itertools.count()
    events = [(stream.started, next(order), stream) for stream in streams]
    heapq.heapify(events)
    while events:
        now, _, stream = heapq.heappop(events)
        again = _step(stream, now)
        if again is not None:
            heapq.heappush(events, (again, next(order), stream))


def _step(stream: Stream, now: float) -> float | None:
    pacer = stream.pacer
    if not stream.shown:
        pacer.posted(now)
        stream.shown.append(now)
    elif now >= stream.ends - 1e-9:
        pacer.ending()
        wait = pacer.final_delay(now)
        if wait:
            return now + wait
        pacer.edited(now)
        stream.shown.append(now)
        pacer.close()
        return None
    elif not pacer.delay(now):
        pacer.edited(now)
        stream.shown.append(now)
    return min(now + max(pacer.delay(now), 1e-3), stream.ends)


def one_stream(seconds: float, expected_seconds: float | None = None) -> Stream:
    allowance = WriteAllowance()
    stream = Stream(StreamPacer(allowance, expected_seconds=expected_seconds), allowance, 0.0, seconds)
    simulate([stream])
    return stream


def most_in_window(times: list[float], seconds: float) -> int:
    times = sorted(times)
    return max((sum(start <= at < start + seconds for at in times) for start in times), default=0)


def edits(streams: list[Stream]) -> list[float]:
    return [at for stream in streams for at in stream.shown[1:]]


@pytest.mark.parametrize(
    ("seconds", "highest"), [(1, 0.26), (2, 0.35), (3, 0.40), (4, 0.43), (6, 0.51), (8, 0.52), (12, 0.53), (60, 0.52)]
)
def test_the_text_lags_little(seconds: float, highest: float) -> None:
    stream = one_stream(seconds)
    print(f"{seconds} s: mean lag {stream.mean_lag:.2f} s, final {stream.final_late:.2f} s late")  # noqa: T201
    assert stream.mean_lag <= highest
    assert stream.final_late <= EVEN


def test_a_stream_known_to_be_long_is_spaced_evenly_and_ends_sooner() -> None:
    stream = one_stream(60, expected_seconds=60.0)
    gaps = [after - before for before, after in itertools.pairwise(stream.shown[:-1])]
    assert max(gaps) == pytest.approx(min(gaps), abs=0.01)
    assert stream.mean_lag <= 0.52


@given(st.floats(0.1, 40), st.none() | st.floats(0.1, 60))
@settings(max_examples=150, deadline=None)
def test_one_stream_never_writes_too_often_or_ends_too_late(seconds: float, expected: float | None) -> None:
    stream = one_stream(seconds, expected)
    assert most_in_window(stream.shown[1:], 5.0) <= 5
    assert stream.final_late <= EVEN + 1e-3


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.2, 15)), min_size=2, max_size=8))
@settings(max_examples=150, deadline=None)
def test_streams_in_one_channel_share_its_allowance(spans: list[tuple[float, float]]) -> None:
    allowance = WriteAllowance()
    streams = [Stream(StreamPacer(allowance), allowance, start, seconds) for start, seconds in spans]
    simulate(streams)
    assert most_in_window(edits(streams), 5.0) <= 5
    for stream in streams:
        assert stream.final_late <= len(streams) * EVEN + 1e-3
    assert allowance.streams == 0
    assert allowance.finals_waiting == 0


def test_streams_in_one_channel_get_equal_shares() -> None:
    allowance = WriteAllowance()
    streams = [Stream(StreamPacer(allowance), allowance, number * 0.1, 40) for number in range(3)]
    simulate(streams)
    counts = [len(stream.shown) for stream in streams]
    assert max(counts) - min(counts) <= 2
    assert sum(counts) >= 36  # of 39 that the allowance holds in 40 s


def test_a_busy_bot_stays_within_its_requests_and_ends_in_time() -> None:
    rng = random.Random(1)
    budget = RequestBudget()
    streams = []
    for _ in range(120):
        allowance = WriteAllowance()
        pacer = StreamPacer(allowance, budget)
        streams.append(Stream(pacer, allowance, rng.uniform(0, 3), rng.uniform(4, 12)))
    simulate(streams)
    everything = [at for stream in streams for at in stream.shown]
    assert most_in_window(everything, 1.0) <= 50 + 10  # first posts are not held back here
    assert most_in_window(edits(streams), 1.0) <= 50
    assert max(stream.final_late for stream in streams) <= EVEN
    assert max(stream.mean_lag for stream in streams) < 3


def test_final_texts_may_use_what_edits_must_leave() -> None:
    budget = RequestBudget()
    for _ in range(40):
        assert budget.delay(0.0) == 0
        budget.record(0.0)
    assert budget.delay(0.5) == pytest.approx(0.5 + JITTER_SECONDS)
    assert budget.delay(0.5, final=True) == 0
    for _ in range(10):
        budget.record(0.5)
    assert budget.delay(0.5, final=True) == pytest.approx(0.5 + JITTER_SECONDS)
    assert budget.delay(1.2, final=True) == 0


def test_a_write_leaves_what_is_asked() -> None:
    allowance = WriteAllowance()
    for at in (0.0, 1.0, 2.0):
        assert allowance.delay(at) == 0
        allowance.record(at)
    assert allowance.delay(3.0, keep=1) == 0
    assert allowance.delay(3.0, keep=2) == pytest.approx(2 + JITTER_SECONDS)
    assert allowance.delay(3.0, keep=2, within=1.0) == pytest.approx(1 + JITTER_SECONDS)
    allowance.record(3.0)
    assert allowance.delay(3.0, keep=0) == 0
    assert allowance.delay(3.0, keep=1) == pytest.approx(2 + JITTER_SECONDS)
    allowance.record(3.0)
    assert allowance.delay(4.0, keep=0) == pytest.approx(1 + JITTER_SECONDS)
    assert allowance.delay(WINDOW, keep=0) == 0


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 7), st.floats(0, 6)), max_size=40))
@settings(deadline=None)
def test_waiting_as_told_always_keeps_the_promise(steps: list[tuple[float, int, float]]) -> None:
    allowance = WriteAllowance()
    now = 0.0
    written: list[float] = []
    for pause, keep, within in steps:
        now += pause
        now += allowance.delay(now, keep, within)
        assert allowance.delay(now, keep, within) <= 1e-6
        allowance.record(now)
        written.append(now)
        assert most_in_window(written, 5.0) <= 5
        due = now + within
        assert sum(at + WINDOW > due + 1e-5 for at in written) <= 5 - min(keep, 5 if within >= WINDOW else 4)


def test_headers_that_say_less_than_we_know_are_believed() -> None:
    allowance = WriteAllowance()
    allowance.record(0.0)
    allowance.note(limit=5, remaining=0, reset_after=3.0, now=0.2)  # others write here too
    assert allowance.delay(0.2, keep=0) == pytest.approx(3.0)
    allowance.note(limit=5, remaining=4, reset_after=5.0, now=0.3)  # older news: not believed
    assert allowance.delay(0.3, keep=0) == pytest.approx(2.9)


def test_headers_teach_the_limit_and_the_window() -> None:
    allowance = WriteAllowance()
    allowance.record(0.0)
    allowance.note(limit=10, remaining=9, reset_after=2.0, now=0.1)
    assert allowance.spacing_seconds == pytest.approx((2 + JITTER_SECONDS) / 10)
    allowance.note(limit=2, remaining=0, reset_after=4.0, now=0.2)
    assert allowance.delay(0.2, keep=0) == pytest.approx(4.0)
    allowance.note(limit=0, remaining=0, reset_after=-1.0, now=0.2)
    assert allowance.limit == 2
    allowance.note(limit=1, remaining=0, reset_after=1337.0, now=0.2)
    assert allowance.per_seconds == pytest.approx(2.0)


def test_a_refused_edit_delays_the_stream_but_not_for_ever() -> None:
    allowance = WriteAllowance()
    pacer = StreamPacer(allowance)
    pacer.posted(0.0)
    pacer.edited(0.6)
    allowance.note(limit=5, remaining=0, reset_after=1337.0, now=0.7)
    assert pacer.delay(0.7) > 1300
    assert pacer.final_delay(0.7) == pytest.approx(1337.0)


def test_the_first_words_go_at_once() -> None:
    pacer = StreamPacer(WriteAllowance())
    assert pacer.delay(12.0) == 0


def test_edits_give_way_to_a_final_text_that_waits() -> None:
    allowance = WriteAllowance()
    for at in (0.0, 1.0, 2.0, 3.0, 4.0):
        allowance.record(at)
    ending, running = StreamPacer(allowance), StreamPacer(allowance)
    running.posted(0.0)
    ending.posted(0.0)
    ending.ending()
    assert ending.final_delay(4.5) == pytest.approx(WINDOW - 4.5)
    assert running.delay(4.5) > WINDOW - 4.5
    ending.edited(WINDOW)
    ending.close()
    ending.close()
    assert allowance.streams == 1
    assert allowance.finals_waiting == 0


def test_memory_follows_the_window() -> None:
    allowance, budget = WriteAllowance(), RequestBudget()
    for number in range(1000):
        allowance.record(float(number))
        budget.record(float(number))
    assert len(allowance._expiries) <= 6
    assert len(budget._sent) <= 2


def test_an_edit_waits_when_the_final_text_would_have_to() -> None:
    allowance = WriteAllowance()
    pacer = StreamPacer(allowance)
    pacer.posted(-10.0)
    for at in (0.0, 0.1, 0.2, 0.3):  # somebody's burst of other edits
        allowance.record(at)
    assert pacer.final_delay(2.0) == 0
    assert 2.0 + pacer.delay(2.0) == pytest.approx(WINDOW - EVEN)
