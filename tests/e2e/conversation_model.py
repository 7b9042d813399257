"""A conversation as plain Python: what people mean by what they do, without Discord, storage or prompts' budgets."""

from dataclasses import dataclass, field
from typing import Any

from chat.adaptation import adapt


@dataclass(slots=True)
class Said:
    """Something that a person or the bot said."""

    parent: int | None
    speaker: str  # "" for the bot
    text: str  # "" when a reply came to nothing
    gone: bool = False  # its words count no more
    place: int | None = None  # where a reply stands in the channel; its swipes share that


@dataclass(slots=True)
class Model:
    """All that was said in a channel, and from which reply it goes on."""

    system: str
    said: dict[int, Said] = field(default_factory=dict)
    head: int | None = None
    asked: list[list[dict[str, Any]]] = field(default_factory=list)  # the prompts of the requests since the last step
    places: int = 0
    shared: set[int] = field(default_factory=set)  # questions that had answers in two places

    # --- what is there

    def has_words(self, number: int) -> bool:
        return bool(self.said[number].text) and not self.said[number].gone

    def is_reply(self, number: int) -> bool:
        return not self.said[number].speaker

    def texts(self) -> set[str]:
        return {" ".join(said.text.split()) for number, said in self.said.items() if self.has_words(number)}

    def children(self, number: int) -> list[int]:
        return [child for child, said in self.said.items() if said.parent == number]

    def shown(self) -> list[int]:
        """The replies that are seen in the channel."""
        return [number for number, said in self.said.items() if said.place is not None]

    def note_sharing(self) -> None:
        questions = [self.said[reply].parent for reply in self.shown()]
        self.shared |= {question for question in questions if question is not None and questions.count(question) > 1}

    def newest(self, reply: int) -> bool:
        """The conversation goes on from it, or a side branch ends with it."""
        return reply == self.head or (self.said[reply].place is not None and not self.children(reply))

    def siblings(self, reply: int) -> list[int]:
        parent = self.said[reply].parent
        assert parent is not None
        return [other for other in self.children(parent) if self.is_reply(other)]

    def swipes(self, reply: int) -> list[int]:
        """Itself and the others that could stand in its place; an answered one only where the conversation goes on."""

        def free(other: int) -> bool:
            return self.said[other].place is None and (reply == self.head or not self.children(other))

        return [other for other in self.siblings(reply) if self.has_words(other) and (other == reply or free(other))]

    def buttons(self, reply: int) -> list[str]:
        """What stands under a reply; Retry counts as another answer."""
        if not self.newest(reply):
            return []
        if not self.has_words(reply):
            return ["🔄"]
        swipes = self.swipes(reply)
        counter = ["◀️", f"{swipes.index(reply) + 1}/{len(swipes)}", "▶️"] if len(swipes) > 1 else []
        return [*counter, "🔄", "⏩", "✏️", "🗑️"]

    def path(self, end: int | None) -> list[int]:
        """What leads to something, oldest first."""
        path: list[int] = []
        while end is not None:
            path.append(end)
            end = self.said[end].parent
        return path[::-1]

    def line(self, end: int | None) -> list[dict[str, Any]]:
        """What a prompt says that ends there."""
        heard = [self.said[number] for number in self.path(end) if self.has_words(number)]
        several = len({said.speaker for said in heard if said.speaker}) > 1
        return [
            {
                "role": "user" if said.speaker else "assistant",
                "content": f"{said.speaker}: {said.text}" if said.speaker and several else said.text,
            }
            for said in heard
        ]

    def turn_of(self, reply: int) -> list[int]:
        """The questions right above a reply, oldest first."""
        turn: list[int] = []
        for number in reversed(self.path(self.said[reply].parent)):
            if self.is_reply(number):
                break
            turn.append(number)
        return turn[::-1]

    def reply_under(self, question: int) -> int | None:
        """The newest reply that is seen under a question or under what joined it."""
        below = self.children(question)
        replies = [child for child in below if self.is_reply(child)]
        if replies:
            return next((reply for reply in reversed(replies) if self.said[reply].place is not None), None)
        return self.reply_under(below[0]) if len(below) == 1 else None

    # --- what people do

    def _request(self, end: int, *, continuing: bool = False) -> None:
        messages = [{"role": "system", "content": self.system}, *self.line(end)]
        self.asked.append(adapt(messages, system_role=True, continuing=continuing))

    def _add(self, said: Said) -> int:
        number = len(self.said)
        self.said[number] = said
        return number

    def _new_place(self) -> int:
        self.places += 1
        return self.places

    def question(self, speaker: str, text: str, under: int | None) -> int:
        return self._add(Said(under, speaker, text))

    def answer(self, question: int, text: str, *, on_head: bool) -> int:
        """A reply in a message of its own."""
        self._request(question)
        reply = self._add(Said(question, "", text, place=self._new_place()))
        if on_head:
            self.head = reply
        return reply

    def say(self, speaker: str, text: str, answer: str) -> int:
        """Somebody says something, and the conversation goes on."""
        question = self.question(speaker, text, self.head)
        self.answer(question, answer, on_head=True)
        return question

    def another(self, reply: int, text: str) -> None:
        """Another answer in the place of the newest; to an older question on a side branch. Nothing changes nothing."""
        question = self.said[reply].parent
        assert question is not None
        if not self.newest(reply):
            self.answer(question, text, on_head=False)
            return
        self._request(question)
        if text or not self.has_words(reply):
            self.move(reply, self._add(Said(question, "", text)))
            self._show_head()

    def move(self, left: int, taken: int) -> None:
        """One reply takes the place of another."""
        self.said[taken].place, self.said[left].place = self.said[left].place, None
        if self.head == left:
            self.head = taken

    def more(self, reply: int, text: str) -> None:
        self._request(reply, continuing=True)
        if text:
            self.said[reply].text += f" {text}"

    def turn(self, reply: int, steps: int) -> None:
        swipes = self.swipes(reply)
        self.move(reply, swipes[swipes.index(reply) + steps])

    def drop(self, reply: int) -> None:
        """The swipe goes, and the one before it is seen, or else the one behind it."""
        others = [other for other in self.swipes(reply) if other != reply]
        self.said[reply].gone = True
        if others:
            self.move(reply, max((other for other in others if other < reply), default=others[0]))
        self.said[reply].place = None

    def forget(self, reply: int) -> None:
        """A reply goes with all its swipes."""
        for number in [*self.swipes(reply), reply]:
            self.said[number].gone, self.said[number].place = True, None

    def vanish(self, reply: int) -> None:
        """A reply is deleted in Discord."""
        self.said[reply].gone, self.said[reply].place = True, None

    def undo(self) -> None:
        assert self.head is not None
        self.said[self.head].place = None
        turn = self.turn_of(self.head)
        self.head = self.said[turn[0]].parent
        self._show_head()

    def _show_head(self) -> None:
        """The reply from which the conversation goes on is seen, even if it was taken back before."""
        if self.head is not None and self.said[self.head].place is None and not self.said[self.head].gone:
            self.said[self.head].place = self._new_place()

    def restore(self, head: int) -> None:
        """Back to where it was before a reset; what took the place of that meanwhile is what is seen."""
        if self.said[head].place is None and (seen := [i for i in self.siblings(head) if self.said[i].place]):
            head = max(seen)
        self.go(head)

    def go(self, head: int) -> None:
        """The conversation goes on from a reply; on the way there, the swipes that lead to it are seen."""
        self.head = head
        for number in self.path(head):
            if self.is_reply(number) and self.has_words(number) and self.said[number].place is None:
                seen = [other for other in self.siblings(number) if self.said[other].place is not None]
                if seen:
                    self.said[number].place, self.said[max(seen)].place = self.said[max(seen)].place, None
        self._show_head()
