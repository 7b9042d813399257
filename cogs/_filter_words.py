"""What is wrong with a filter, in words."""

from moderation.errors import FilterError, NoSuchFilterError, NoWordsError, PatternError, TooManyFiltersError

PATTERN_PROBLEMS = {
    "long": "A pattern has up to 260 characters.",
    "repeats": "The pattern repeats too much: all its counted repetitions together may be up to 500.",
    "syntax": "I do not understand this pattern. I take regular expressions, without recursion and fuzzy matching.",
    "empty": "The pattern matches nothing at all, so it would be found everywhere. Let it need at least one character.",
}


def filter_words(error: FilterError) -> str:
    """What is wrong, and what to do."""
    match error:
        case PatternError(problem=problem):
            return PATTERN_PROBLEMS.get(problem, PATTERN_PROBLEMS["syntax"])
        case NoWordsError(long=True):
            return "A word or phrase has up to 60 characters. Type several with commas between."
        case NoWordsError():
            return "There is no word in that. Type at least one, several with commas between."
        case TooManyFiltersError(limit=limit, kind=kind):
            return f"There are {limit:,} {kind} here, which is the most. Make room with `/filter remove`."
        case NoSuchFilterError():
            return "I know no such filter here. `/filter list` shows them."
        case _:
            return "This cannot be done with filters."
