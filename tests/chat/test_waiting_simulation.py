import asyncio
import time

import pytest

from benchmarks.virtual_time import VirtualTime
from benchmarks.waiting import BAR_SECONDS, LONG_SECONDS, PEOPLE, REPLY_SECONDS, Figures, run


@pytest.fixture(scope="module")
def joined() -> Figures:
    return run(joined=True)


def test_a_virtual_hour_passes_in_no_time_and_in_order() -> None:
    woken: list[tuple[str, float]] = []

    async def sleep(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sleep("hour", 3600))
            group.create_task(sleep("minute", 60))

    started = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        runner.run(main())
    assert time.monotonic() - started < 60
    assert [name for name, _ in woken] == ["minute", "hour"]
    assert [at for _, at in woken] == pytest.approx([60, 3600])


def test_no_time_passes_while_a_thread_works() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTime)
        loop.call_later(3600, lambda: None)
        before = loop.time()
        with loop.standing_still():
            await asyncio.to_thread(time.sleep, 0.05)
        return loop.time() - before

    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        assert runner.run(main()) == 0.0


def test_twenty_people_in_four_channels_wait_half_a_minute_at_most(joined: Figures) -> None:
    assert joined.median <= BAR_SECONDS
    assert joined.p95 <= LONG_SECONDS
    assert (joined.failed, joined.refused) == (0, 0)
    assert len(joined.replies) == PEOPLE
    assert joined.fairness > 0.95


def test_one_slot_is_in_use_nearly_all_the_time(joined: Figures) -> None:
    assert joined.requests * REPLY_SECONDS > 0.95 * 1800


def test_it_is_joining_that_makes_the_wait_short(joined: Figures) -> None:
    single = run(joined=False)
    assert single.median > 4 * joined.median
    assert single.requests == len(single.waits)
    assert len(joined.waits) > 2 * len(single.waits)
