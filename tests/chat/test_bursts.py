"""A burst ends when everyone pauses, or when it has lasted long enough; time is a number here."""

from hypothesis import given
from hypothesis import strategies as st

from chat.bursts import LONGEST_SECONDS, QUIET_SECONDS, Burst


class Room:
    """People who speak at given times, and a clock that jumps from one event to the next."""

    def __init__(self, spoken: list[float]) -> None:
        self.now = 100.0
        self._due = sorted(100.0 + after for after in spoken)
        self.burst = Burst(clock=lambda: self.now, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        assert seconds > 0
        until = self.now + seconds
        while self._due and self._due[0] < until:
            self.now = self._due.pop(0)
            self.burst.said()
        self.now = until

    async def lasts(self) -> float:
        await self.burst.over()
        return self.now - 100.0


async def test_one_message_waits_for_the_pause_alone() -> None:
    assert await Room([]).lasts() == QUIET_SECONDS


async def test_each_further_message_begins_the_pause_again() -> None:
    assert await Room([1.0, 2.5, 4.0]).lasts() == 6.0


async def test_what_comes_after_the_pause_is_no_part_of_it() -> None:
    assert await Room([1.0, 3.5]).lasts() == 3.0


async def test_whoever_goes_on_and_on_is_answered_all_the_same() -> None:
    assert await Room([step / 2 for step in range(40)]).lasts() == LONGEST_SECONDS


async def test_a_burst_that_is_over_stays_over() -> None:
    room = Room([])
    await room.lasts()
    assert await room.lasts() == QUIET_SECONDS


@given(st.lists(st.integers(0, 120).map(lambda eighths: eighths / 8), max_size=30))
async def test_it_ends_at_the_first_pause_and_never_later_than_allowed(spoken: list[float]) -> None:
    lasted = await Room(spoken).lasts()
    assert QUIET_SECONDS <= lasted <= LONGEST_SECONDS
    heard = [0.0, *sorted(after for after in spoken if after < lasted)]
    pauses = [later - earlier for earlier, later in zip(heard, [*heard[1:], lasted], strict=True)]
    assert all(pause <= QUIET_SECONDS for pause in pauses)
    assert lasted == LONGEST_SECONDS or pauses[-1] == QUIET_SECONDS
