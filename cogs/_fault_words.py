"""What is wrong with files and keywords that people give to the bot, in words."""

from chat.cards import MAX_FILE_BYTES as MAX_CARD_FILE_BYTES
from chat.channel_settings import MAX_KEYWORD_CHARACTERS, MAX_KEYWORDS
from chat.presets import MAX_FILE_BYTES

TRANSCRIPT_FAULTS = {
    "size": "The file is larger than 10 MiB. Import a shorter conversation.",
    "format": "This is no conversation that I know: give me my own JSON or a chat of SillyTavern (`.jsonl`).",
    "version": "The file comes from a newer version of me. Whoever runs me has to update me first.",
    "tree": "The file is damaged: some messages do not hang together.",
    "many": "There are too many messages in the file; I take up to 10,000, swipes counted.",
    "text": "A message in the file is too long; I take up to 100,000 characters.",
    "empty": "Nobody says anything in this file.",
    "unreachable": "Discord did not give me the file. Attach it again.",
    "long": "The conversation is longer than a file may be here. Another format may be shorter.",
}
BROKEN_FILE = (
    "I cannot read the file as a conversation: neither as my own JSON nor as a chat of SillyTavern (`.jsonl`)."
)
PRESET_FILE_PROBLEMS = {
    "too large": f"This file is too large for a preset: more than {MAX_FILE_BYTES // 1024} KiB.",
    "too deep": "This file is nested too deeply for a preset.",
    "not JSON": "I cannot read this file: a preset is a JSON file.",
    "nothing in it": "I found no sampling parameters in this file.",
    "not fetched": "Discord did not give me the file. Attach it again.",
}
CARD_FAULTS = {
    "file": f"The file is larger than {MAX_CARD_FILE_BYTES >> 20} MiB.",
    "format": "This is neither a PNG picture nor a JSON or CHARX file.",
    "unreachable": "Discord did not give me the file. Attach it again.",
    "png": "The picture is damaged: it ends too early.",
    "crc": "The picture is damaged: a checksum in it is wrong.",
    "chunks": "The file has too many parts.",
    "duplicate": "The archive holds two cards under one name, and I cannot tell which one is meant.",
    "no card": "There is no character card in this file. Take the original: copies of pictures lose it.",
    "base64": "The card in the picture is damaged.",
    "archive": "I cannot open the archive.",
    "path": "The archive has files that lead out of it. I do not open it.",
    "large": "The card is too large: its text has up to 4 MiB.",
    "long": "The file is larger than Discord takes here. JSON is smaller.",
    "many": "The card has too many entries.",
    "deep": "The card is nested too deeply.",
    "number": "The card has a number that is out of any range.",
    "text": "The card has text that is damaged.",
    "json": "I cannot read the card: it is no JSON.",
    "card": "This is no character card.",
    "spec": "I know character cards of version 1, 2 and 3 only.",
    "fields": "A field of the card is not what it should be",
    "name": "The character has no name.",
    "picture": "I cannot open this picture. I take PNG, JPEG, WebP and GIF up to 10 MiB.",
}
LOREBOOK_FAULTS = {
    "unreachable": "Discord did not give me the file. Attach it again.",
    "large": "The lorebook is too large: a file has up to 4 MiB.",
    "book": "There is no lorebook in this file. I take world-info files of SillyTavern and lorebook_v3 files.",
    "many": "The lorebook has too many entries or keys: 5,000 entries and 20,000 keys is the most.",
    "deep": "The lorebook is nested too deeply.",
    "number": "The lorebook has a number that is out of any range.",
    "text": "The lorebook has text that is damaged.",
}
KEYWORD_PROBLEMS = {
    "many": f"A channel has up to {MAX_KEYWORDS} keywords.",
    "long": f"A keyword has up to {MAX_KEYWORD_CHARACTERS} characters. Type several with commas between.",
    "none": "Type at least one keyword, several with commas between; `default` clears them.",
}
