"""Why something cannot be reported, or not be done about a report, in words."""

from moderation.reports import NoRequesterError, NotReportableError, ReportError, TooManyReportsError


def report_problem_words(error: ReportError) -> str:
    """Why something cannot be reported, or not be done about it."""
    match error:
        case NotReportableError():
            return "Only what I said can be reported here. About people's messages, tell a moderator."
        case TooManyReportsError(limit=limit, minutes=minutes):
            return f"You may report {limit} messages in {minutes} minutes. Tell a moderator what cannot wait."
        case NoRequesterError():
            return "I do not know who asked for this, so there is nobody to block."
        case _:
            return "This cannot be reported."
