"""What a character says first: as much of a greeting as a channel bears, and no half macro."""

import pytest

from chat._greetings import LONGEST_GREETING, greetings_of
from chat.cards import new_card
from chat.persona import Persona
from chat.persona_prompt import Profile
from storage import ConversationKey

FILLING = "x" * (LONGEST_GREETING - 8)


@pytest.mark.parametrize(
    ("greeting", "said"),
    [
        (f"{FILLING}{{{{user}}}}", f"{FILLING}Ada"),
        (f"{FILLING} {{{{user}}}} and more", f"{FILLING}…"),
        (f"{FILLING}<USER> and more", f"{FILLING}Ada…"),
        ("{{setvar::a::" + "y" * 20_000 + "}}{{getvar::a}}{{getvar::a}}", "y" * (LONGEST_GREETING - 1) + "…"),
    ],
    ids=["whole", "inside of a macro", "behind a macro", "longer in words"],
)
def test_a_greeting_is_said_whole_or_ends_outside_of_macros(greeting: str, said: str) -> None:
    persona = Persona(1, "Mira", new_card(name="Mira", first_mes=greeting, alternate_greetings=["Hello."]))
    greetings = greetings_of(persona, Profile("Ada"), ConversationKey(1, 2))
    assert list(greetings.texts) == [said, "Hello."]
