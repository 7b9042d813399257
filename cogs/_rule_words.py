"""Rules of access in words."""

from moderation.durations import DurationError
from moderation.rulebook import MAX_RULES, NoSuchRuleError, RuleError, TargetError, TooManyRulesError
from storage import AccessRule, Target

TARGET_PROBLEMS = {
    "nothing": "Name at least one: a person, a role, a channel, a category or a model.",
    "who": "Name a person or a role, not both.",
    "where": "Name a channel or a category, not both.",
}


def target_words(target: Target) -> str:
    """What a rule is about, as Discord shows names."""
    parts = []
    if target.user_id is not None:
        parts.append(f"<@{target.user_id}>")
    if target.role_id is not None:
        parts.append(f"<@&{target.role_id}>")
    if target.channel_id is not None or target.category_id is not None:
        place = f"<#{target.channel_id or target.category_id}>"
        parts.append(f"in {place}" if parts else place)
    if target.model is not None:
        model = f"`{as_code(target.model)}`"
        parts.append(f"with {model}" if parts else model)
    return " ".join(parts)


def rule_line(rule: AccessRule) -> str:
    """What is allowed or denied, until when and why."""
    sign, verb = ("✅", "allowed") if rule.verdict == "allow" else ("⛔", "denied")
    words = f"{sign} {target_words(rule.target)} {verb}"
    if rule.expires_at is not None:
        words += f" until <t:{int(rule.expires_at.timestamp())}:f>"
    return f"{words} · {as_code(rule.reason)[:100]}" if rule.reason else words


def rule_problem_words(error: RuleError | DurationError) -> str:
    """Why a rule cannot be as somebody wishes."""
    match error:
        case DurationError(typed=typed):
            return f"`for` takes a time of up to a year, as `30m`, `12h`, `7d` or `2w`, not `{as_code(typed)[:50]}`."
        case TargetError(problem=problem):
            return TARGET_PROBLEMS[problem]
        case TooManyRulesError(limit=limit):
            return f"There are {limit} rules here, which is the most. Take some back with `/access clear`."
        case NoSuchRuleError():
            return "Nothing was said about that. `/access list` shows what was."
        case _:
            return f"This cannot be a rule; there may be {MAX_RULES} of them."


def as_code(text: str) -> str:
    """Something that a person typed, so that it can neither break a line nor end the code it is shown in."""
    return " ".join(text.replace("`", "'").split())
