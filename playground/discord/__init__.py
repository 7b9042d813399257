"""A local Discord on loopback, to which an unmodified discord.py bot talks over real sockets.

```python
async with LocalDiscord() as world:
    world.redirect()                              # point discord.py in this process here
    ada = world.add_user("Ada")
    guild = world.add_guild("Lab", owner=ada)
    channel = guild.add_text_channel("general")
    ...                                           # start the bot with world.token
    await world.person(ada).say(channel, "hello", mentions_bot=True)
    reply = await world.wait_for_message(channel, lambda m: m.author is world.bot)
```

`Person` acts as a user with a user's permissions, `world.faults` and `world.rate_limits` make trouble, `world.requests`
tells what the bot asked, and `world.subscribe` keeps a page current (see `events`).
"""

from playground.discord import events
from playground.discord._call import Upload
from playground.discord._channel import Channel, ForumTag, Overwrite, ThreadInfo
from playground.discord._components import walk as walk_components
from playground.discord._faults import Fault, Faults
from playground.discord._flags import (
    BOT_PERMISSIONS,
    EVERYONE_PERMISSIONS,
    MESSAGE_TYPES_OF_CHANNELS,
    ButtonStyle,
    ChannelType,
    CommandType,
    ComponentType,
    Intent,
    InteractionType,
    MessageFlag,
    MessageType,
    OptionType,
    Permission,
)
from playground.discord._guild import Guild
from playground.discord._interactions import Choice, Interaction, Modal
from playground.discord._message import Attachment, Message, Reaction, Reference
from playground.discord._model import Emoji, Member, Role, User
from playground.discord._permissions import can, can_send, in_channel
from playground.discord._person import Person
from playground.discord._ratelimits import Limit, RateLimits
from playground.discord._redirect import redirect_discord
from playground.discord._requests import RestRequest
from playground.discord._state import Application, Settings
from playground.discord._webhooks import Webhook
from playground.discord._world import LocalDiscord
from playground.discord.errors import (
    DisabledComponentError,
    InvalidOptionError,
    NotAllowedError,
    NotAnsweredError,
    NotVisibleError,
    PersonError,
    UnknownCommandError,
    UnknownComponentError,
)

__all__ = [
    "BOT_PERMISSIONS",
    "EVERYONE_PERMISSIONS",
    "MESSAGE_TYPES_OF_CHANNELS",
    "Application",
    "Attachment",
    "ButtonStyle",
    "Channel",
    "ChannelType",
    "Choice",
    "CommandType",
    "ComponentType",
    "DisabledComponentError",
    "Emoji",
    "Fault",
    "Faults",
    "ForumTag",
    "Guild",
    "Intent",
    "Interaction",
    "InteractionType",
    "InvalidOptionError",
    "Limit",
    "LocalDiscord",
    "Member",
    "Message",
    "MessageFlag",
    "MessageType",
    "Modal",
    "NotAllowedError",
    "NotAnsweredError",
    "NotVisibleError",
    "OptionType",
    "Overwrite",
    "Permission",
    "Person",
    "PersonError",
    "RateLimits",
    "Reaction",
    "Reference",
    "RestRequest",
    "Role",
    "Settings",
    "ThreadInfo",
    "UnknownCommandError",
    "UnknownComponentError",
    "Upload",
    "User",
    "Webhook",
    "can",
    "can_send",
    "events",
    "in_channel",
    "redirect_discord",
    "walk_components",
]
