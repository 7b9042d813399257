"""Usage and model facts, on both databases."""

from dataclasses import replace
from datetime import timedelta

from storage import ModelFacts, Storage, UsageTotals
from tests.storage.builders import ADA, CHANNEL, GUILD, NOW, OTHER_GUILD, usage_row

DAY = timedelta(days=1)


async def test_totals_follow_guild_person_channel_and_time(storage: Storage) -> None:
    rows = [
        usage_row(),
        usage_row(user_id=ADA + 1, prompt_tokens=10),
        usage_row(channel_id=CHANNEL + 1, completion_tokens=1),
        usage_row(at=NOW - 2 * DAY),
        usage_row(guild_id=OTHER_GUILD),
        usage_row(guild_id=None),
    ]
    for row in rows:
        await storage.usage.add(row)
    since = NOW - DAY
    assert await storage.usage.totals(GUILD, since) == UsageTotals(3, 210, 41)
    assert await storage.usage.totals(GUILD, since, user_id=ADA) == UsageTotals(2, 200, 21)
    assert await storage.usage.totals(GUILD, since, channel_id=CHANNEL) == UsageTotals(2, 110, 40)
    assert await storage.usage.totals(GUILD, since, user_id=ADA, channel_id=CHANNEL) == UsageTotals(1, 100, 20)
    assert await storage.usage.totals(GUILD, NOW - 3 * DAY) == UsageTotals(4, 310, 61)
    assert await storage.usage.totals(None, since) == UsageTotals(1, 100, 20)
    assert await storage.usage.totals(GUILD, NOW + DAY) == UsageTotals(0, 0, 0)


async def test_the_moment_itself_counts_and_the_one_before_does_not(storage: Storage) -> None:
    await storage.usage.add(usage_row())
    assert (await storage.usage.totals(GUILD, NOW)).requests == 1
    assert (await storage.usage.totals(GUILD, NOW + timedelta(microseconds=1))).requests == 0


async def test_facts_about_a_model_are_replaced(storage: Storage) -> None:
    assert await storage.models.all() == {}
    first = ModelFacts("model-a", None, None, None, 0, NOW)
    await storage.models.save(first)
    other = ModelFacts("model-b", 4096, True, 0.5, 1, NOW)
    await storage.models.save(other)
    second = replace(
        first, context_window=8192, system_role=False, token_ratio=1.1, ratio_samples=2, updated_at=NOW + DAY
    )
    await storage.models.save(second)
    assert await storage.models.all() == {"model-a": second, "model-b": other}
