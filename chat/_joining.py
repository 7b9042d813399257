"""Several people in one question: who may join one that waits, and who is sent away from it."""

from chat._model_choice import ModelChoice
from chat.answers import Answer, Participant, Question, Screen
from chat.errors import ChatError
from chat.gate import ApartError, Gate, asked
from chat.persona import Persona
from chat.policy import Standing
from storage import History, TurnStartedError


class Joining:
    """Lets people join answers that wait, as the gate and the choice of models allow."""

    def __init__(self, history: History, gate: Gate, models: ModelChoice) -> None:
        self._history = history
        self._gate = gate
        self._models = models
        gate.send_away = self.take_out

    async def join(self, waiting: Answer, question: Question, screen: Screen) -> Answer | None:
        """Answer the question together with the one that waits; None when this message was taken up before.

        Raises `TurnStartedError` when that one waits no longer, `ApartError` when they do not go together, and what is
        raised when somebody asks alone.
        """
        recast = question.called and not waiting.called and question.persona != waiting.persona
        standing = await self._admitted(waiting, question, question.persona if recast else waiting.persona)
        async with waiting.joining:
            _require_joinable(waiting)
            recast = recast and waiting.screen.recast(screen)
            begun = await self._history.join_turn(waiting.reply_id, question.turn, recast=recast)
            if begun is None:
                return None
            if recast:
                waiting.persona, waiting.own_names = question.persona, question.own_names
            waiting.called = waiting.called or question.called
            waiting.parent_id = begun.user_message_id
            waiting.recent = ()
            waiting.notes += question.notes
            if waiting.burst is not None:
                waiting.burst.said()
            waiting.screen.joined(screen)
            self._take_in(waiting, question.turn.author_id, Participant(standing, [screen], [begun.user_message_id]))
            return waiting

    async def send_away(self, answer: Answer, person_id: int, because: ChatError) -> bool:
        """Take back what somebody asked, while it waits; False if it waits no longer, or they did not ask."""
        async with answer.joining:
            if not answer.waits or person_id not in answer.participants:
                return False
            if len(answer.participants) == 1:
                answer.stop(because)
            else:
                await self.take_out(answer, person_id, because)
            return True

    async def take_out(self, answer: Answer, person_id: int, because: ChatError) -> None:
        """Answer the others without what this person said."""
        gone = await self._leave(answer, person_id)
        following = next(iter(answer.participants.values()))
        if answer.screen in gone.screens:
            answer.screen.give_way(following.screens[0], because)
            following.screens.insert(0, answer.screen)
        else:
            gone.screens[0].sent_away(because)

    async def drop_silent(self, answer: Answer) -> None:
        """It is no question any more of those who have deleted what they said while it waits."""
        if not answer.joinable or len(answer.participants) == 1:
            return
        asked_now = await self._history.turn_of(answer.key.guild_id, answer.reply_id)
        said = {message.id for message in asked_now if message.content}
        silent = [who for who, one in answer.participants.items() if said.isdisjoint(one.message_ids)]
        for person_id in silent[: len(answer.participants) - 1]:
            await self._leave(answer, person_id)

    async def _leave(self, answer: Answer, person_id: int) -> Participant:
        gone = answer.participants.pop(person_id)
        next_id = next(iter(answer.participants))
        answer.asker_ids.discard(person_id)
        answer.recent = ()
        if answer.asker_id == person_id:
            answer.asker_id = next_id
        self._gate.regroup(answer)
        await self._history.leave_turn(answer.key.guild_id, answer.reply_id, gone.message_ids, person_id, next_id)
        return gone

    async def _admitted(self, waiting: Answer, question: Question, persona: Persona | None) -> Standing | None:
        """How somebody stands with the limits who may join. Each is answered by the model that they have alone."""
        _require_joinable(waiting)
        standing = await self._gate.join(waiting, asked(question))
        if not await self._models.is_same_for(question.turn.author_id, waiting, persona):
            raise ApartError
        return standing

    def _take_in(self, waiting: Answer, person_id: int, joined: Participant) -> None:
        waiting.asker_ids.add(person_id)
        known = waiting.participants.setdefault(person_id, joined)
        if known is not joined:
            known.standing = joined.standing
            known.screens += joined.screens
            known.message_ids += joined.message_ids
        self._gate.regroup(waiting)


def _require_joinable(answer: Answer) -> None:
    if not answer.joinable:
        raise TurnStartedError(answer.reply_id, "streaming")
