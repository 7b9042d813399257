// Emoji by name, for those that chats use most. One line for each group; the first name is shown.

const GROUPS = {
  Faces: `😀 grinning|😃 smiley|😄 smile|😁 grin|😆 laughing|😅 sweat_smile|🤣 rofl|😂 joy|🙂 slight_smile|🙃 upside_down|😉 wink|😊 blush|😇 innocent|🥰 smiling_hearts|😍 heart_eyes|🤩 star_struck|😘 kissing_heart|😋 yum|😛 stuck_out_tongue|😜 winking_tongue|🤪 zany|🤗 hugging|🤭 hand_over_mouth|🤫 shushing|🤔 thinking|🤨 raised_eyebrow|😐 neutral_face|😑 expressionless|😶 no_mouth|😏 smirk|😒 unamused|🙄 rolling_eyes|😬 grimacing|😌 relieved|😔 pensive|😪 sleepy|😴 sleeping|😷 mask|🤒 thermometer_face|🤢 nauseated|🥵 hot_face|🥶 cold_face|😵 dizzy_face|🤯 exploding_head|🥳 partying|😎 sunglasses|🤓 nerd|🧐 monocle|😕 confused|😟 worried|☹️ frowning|😮 open_mouth|😲 astonished|😳 flushed|🥺 pleading|😨 fearful|😰 cold_sweat|😥 sad_relieved|😢 cry|😭 sob|😱 scream|😞 disappointed|😩 weary|😤 triumph|😡 rage|😠 angry|🤬 swearing|😈 smiling_imp|👿 imp|💀 skull|💩 poop|🤡 clown|👻 ghost|👽 alien|🤖 robot|😺 smiley_cat|🙈 see_no_evil|🙉 hear_no_evil|🙊 speak_no_evil`,
  People: `👋 wave|✋ raised_hand|👌 ok_hand|✌️ victory|🤞 fingers_crossed|🤘 metal|👈 point_left|👉 point_right|👆 point_up|👇 point_down|👍 thumbsup|👎 thumbsdown|✊ fist|👊 punch|👏 clap|🙌 raised_hands|🤝 handshake|🙏 pray|✍️ writing_hand|💪 muscle|👀 eyes|🧠 brain|🗣️ speaking|👤 bust|🤷 shrug|🤦 facepalm|🙋 raising_hand|🧙 mage|🧛 vampire|🧝 elf|🧚 fairy|👑 crown`,
  Nature: `🐶 dog|🐱 cat|🐭 mouse|🦊 fox|🐻 bear|🐼 panda|🦁 lion|🐸 frog|🐧 penguin|🦉 owl|🐺 wolf|🦄 unicorn|🐝 bee|🦋 butterfly|🐢 turtle|🐙 octopus|🐉 dragon|🌲 evergreen|🌹 rose|🌸 cherry_blossom|🍀 four_leaf_clover|🍁 maple_leaf|🌙 moon|⭐ star|🌟 glowing_star|✨ sparkles|⚡ zap|🔥 fire|🌈 rainbow|☀️ sunny|☁️ cloud|🌧️ rain|❄️ snowflake|🌊 ocean`,
  Things: `🍎 apple|🍕 pizza|🍔 hamburger|🍰 cake|🍪 cookie|☕ coffee|🍵 tea|🍺 beer|🍷 wine|🎉 tada|🎂 birthday|🎁 gift|🎈 balloon|🏆 trophy|🎮 video_game|🎲 game_die|🎭 performing_arts|🎨 art|🎵 musical_note|🎸 guitar|📖 book|📚 books|✏️ pencil|📌 pushpin|📎 paperclip|🔒 lock|🔑 key|🗝️ old_key|⚔️ crossed_swords|🗡️ dagger|🛡️ shield|🏰 castle|🏠 house|🚪 door|🕯️ candle|💡 bulb|🔧 wrench|⚙️ gear|💻 computer|📱 phone|🚀 rocket|⚓ anchor|⏳ hourglass|⏰ alarm_clock|💰 moneybag|💎 gem`,
  Signs: `❤️ heart|🧡 orange_heart|💛 yellow_heart|💚 green_heart|💙 blue_heart|💜 purple_heart|🖤 black_heart|💔 broken_heart|💯 100|💢 anger|💥 boom|💤 zzz|💬 speech_balloon|💭 thought_balloon|✅ white_check_mark|☑️ checked|❌ x|❓ question|❗ exclamation|⚠️ warning|🚫 no_entry|♻️ recycle|➕ plus|➖ minus|🔁 repeat|🔄 arrows_counterclockwise|⏹️ stop_button|▶️ play|⬆️ arrow_up|⬇️ arrow_down|⬅️ arrow_left|➡️ arrow_right|🔴 red_circle|🟢 green_circle|🔵 blue_circle|🏁 checkered_flag|🚩 flag`,
};

/** Groups of { emoji, name }. */
export const EMOJI_GROUPS = Object.entries(GROUPS).map(([title, line]) => ({
  title,
  emoji: line.split("|").map((pair) => {
    const [emoji, name] = pair.split(" ");
    return { emoji, name };
  }),
}));
