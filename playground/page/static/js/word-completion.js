// Mentions and emoji, suggested for the word before the caret of a text field.

import { Completion } from "./completion.js";
import { decodeEmoji, emojiAt, encodeEmoji } from "./emoji.js";
import { decodeMentions, encodeMentions, mentionAt } from "./mentions.js";

/** Text as it is sent: names become ids. */
export const encodeText = (text) => encodeEmoji(encodeMentions(text));

/** Text as it is written: ids become names. */
export const decodeText = (text) => decodeMentions(decodeEmoji(text));

export class WordCompletion {
  /** `changed()` is called when a suggestion was put into the field. */
  constructor(field, changed = () => {}) {
    this.field = field;
    this.changed = changed;
    this.start = 0;
    this.completion = new Completion(field, (item) => (item.pick ? item.pick() : this.insert(`${item.value} `, this.start)), "Suggestions");
    this.list = this.completion.list;
  }

  suggest() {
    const { value, selectionStart: caret } = this.field;
    const word = mentionAt(value, caret) ?? emojiAt(value, caret);
    this.start = word?.start ?? 0;
    this.completion.show(word?.items ?? []);
  }

  /** Put text at the caret, over what begins at `start`. */
  insert(text, start = this.field.selectionStart) {
    this.field.setRangeText(text, start, this.field.selectionEnd, "end");
    this.field.focus();
    this.changed();
  }

  handleKey(event) {
    return this.completion.handleKey(event);
  }

  hide() {
    this.completion.hide();
  }
}
