"""Limits in words."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from cogs._limit_words import left_lines
from storage import Limit, LimitPeriod, LimitUse

NOW = datetime(2026, 3, 31, tzinfo=UTC)


@pytest.mark.parametrize("period", get_args(LimitPeriod))
def test_what_is_left_of_a_long_time_is_told_with_the_day_on_which_it_ends(period: LimitPeriod) -> None:
    limit = Limit("guild", 0, "requests", period, 10, True, 1, NOW)
    _, line = left_lines([LimitUse(limit, 10, 4, NOW)])
    style = "t" if period in {"minute", "hour"} else "f"
    assert line == f"- 6 of this server's 10 requests per {period}, until <t:{int(NOW.timestamp())}:{style}>"
