"""Permissions agree with discord.py's own arithmetic, whatever roles and overwrites there are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import discord
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.discord import LocalDiscord, Permission
from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord._flags import ALL_PERMISSIONS, EVERYONE_PERMISSIONS

if TYPE_CHECKING:
    from playground.discord import Channel, Guild, User

BITS = st.integers(min_value=0, max_value=ALL_PERMISSIONS)
FEW_BITS = st.lists(st.sampled_from(list(Permission)), max_size=4).map(sum)
OVERWRITE = st.tuples(FEW_BITS, FEW_BITS)


def as_discord_sees(guild: Guild, channel: Channel, user: User) -> int:
    """Let discord.py compute, from our own payloads."""
    state = MagicMock()
    state.member_cache_flags = discord.MemberCacheFlags.none()
    state.self_id = 0
    theirs = discord.Guild(data=payloads.guild(guild), state=state)  # type: ignore[arg-type]  # typed dicts
    member = discord.Member(data=payloads.member(guild.members[user.id]), guild=theirs, state=state)  # type: ignore[arg-type]
    member._user.id = user.id
    place = discord.TextChannel(state=state, guild=theirs, data=payloads.channel(channel))  # type: ignore[arg-type]
    return place.permissions_for(member).value & ALL_PERMISSIONS


@settings(deadline=timedelta(seconds=1), max_examples=150)
@given(
    everyone=st.one_of(BITS, st.just(EVERYONE_PERMISSIONS)),
    role_bits=st.lists(FEW_BITS, max_size=3),
    overwrites=st.dictionaries(st.integers(0, 4), OVERWRITE, max_size=5),
    is_owner=st.booleans(),
    timed_out=st.booleans(),
)
def test_a_members_permissions_in_a_channel(
    everyone: int,
    role_bits: list[int],
    overwrites: dict[int, tuple[int, int]],
    is_owner: bool,
    timed_out: bool,
) -> None:
    world = LocalDiscord()
    ada = world.add_user("ada")
    guild = world.add_guild("Lab", owner=ada if is_owner else None)
    guild.everyone.permissions = everyone
    roles = [guild.add_role(f"role{i}", bits) for i, bits in enumerate(role_bits)]
    member = guild.add_member(ada)
    member.roles = roles
    if timed_out:
        member.time_out(60)
    channel = guild.add_text_channel("general")
    targets: list[Any] = [guild.everyone, member, *roles]
    for index, (allow, deny) in overwrites.items():
        target = targets[index % len(targets)]
        channel.put_overwrite(target.id, target is member, allow, deny & ~allow)

    ours = permissions.in_channel(channel, ada)
    theirs = as_discord_sees(guild, channel, ada)
    if not ours & Permission.VIEW_CHANNEL:
        assert ours == 0
        assert not theirs & Permission.VIEW_CHANNEL
    else:
        assert ours & IN_TEXT == theirs & IN_TEXT


IN_TEXT = int(
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.MANAGE_MESSAGES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.MANAGE_WEBHOOKS
    | Permission.ADD_REACTIONS
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.MANAGE_THREADS
)


def test_strangers_see_nothing() -> None:
    world = LocalDiscord()
    channel = world.add_guild("Lab").add_text_channel("general")
    assert permissions.in_channel(channel, world.add_user("stranger")) == 0


def test_an_administrator_passes_every_overwrite() -> None:
    world = LocalDiscord()
    guild = world.add_guild("Lab")
    member = guild.add_member(world.add_user("ada"), roles=[guild.add_role("admins", Permission.ADMINISTRATOR)])
    channel = guild.add_text_channel("general", overwrites={member: (0, ALL_PERMISSIONS)})
    assert permissions.in_channel(channel, member.user) == ALL_PERMISSIONS


def test_threads_inherit_from_their_parent_and_private_ones_from_membership() -> None:
    world = LocalDiscord()
    ada, owner = world.add_user("ada"), world.add_user("owner")
    guild = world.add_guild("Lab", owner=owner)
    member = guild.add_member(ada)
    channel = guild.add_text_channel("general", overwrites={member: (0, Permission.SEND_MESSAGES_IN_THREADS)})
    public = channel.add_thread("open", owner)
    assert permissions.in_channel(public, ada) == permissions.in_channel(channel, ada)
    assert not permissions.can_send(public, ada)
    assert permissions.can_send(channel, ada)
    private = channel.add_thread("closed", owner, private=True)
    assert permissions.in_channel(private, ada) == 0
    member.add_role(guild.add_role("mods", Permission.MANAGE_THREADS))
    assert permissions.in_channel(private, ada)


def test_hidden_means_nothing_at_all() -> None:
    world = LocalDiscord()
    guild = world.add_guild("Lab")
    member = guild.add_member(world.add_user("ada"), roles=[guild.add_role("mods", Permission.MANAGE_MESSAGES)])
    channel = guild.add_text_channel("hidden", overwrites={guild.everyone: (0, Permission.VIEW_CHANNEL)})
    assert permissions.in_channel(channel, member.user) == 0
