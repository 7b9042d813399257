"""`python bot.py doctor`: the same report as `/doctor`, on the terminal, also while the bot does not run."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from dotenv import dotenv_values
from rich.console import Console
from rich.text import Text

from chat.diagnosis import NO_KEY, Diagnosis, Finding, Mark, clock_finding
from cogs._account import DiscordUnreachableError, TokenRefusedError, ask_discord
from cogs.doctor import account_findings
from infermatic_client import InfermaticClient
from settings import Settings, SettingsError
from storage.health import report_on_address

MARKS = {Mark.GOOD: ("✓", "green"), Mark.WARNING: ("!", "yellow"), Mark.WRONG: ("✗", "red")}
SOMETHING_WRONG = 1


def doctor(
    file: Annotated[Path, typer.Option(help="The file with the settings.")] = Path(__file__).parent / ".env",
) -> None:
    """Look at everything the bot needs. Ends with 1 when something is wrong and 78 when a setting is missing."""
    console = Console(highlight=False)
    try:
        settings = Settings.from_env(_environment(file))
    except SettingsError as error:
        _print(console, [Finding("Settings", Mark.WRONG, f"{problem}.") for problem in error.problems])
        raise typer.Exit(os.EX_CONFIG) from None
    findings = asyncio.run(examine(settings))
    _print(console, findings)
    if not settings.discord_token or not settings.infermatic_api_key:
        raise typer.Exit(os.EX_CONFIG)
    raise typer.Exit(SOMETHING_WRONG if any(finding.mark is Mark.WRONG for finding in findings) else 0)


def _environment(file: Path) -> dict[str, str]:
    """The settings as `bot.py run` reads them: what the environment says goes before what the file says."""
    of_file = {name: value for name, value in dotenv_values(file).items() if value is not None}
    return {**of_file, **os.environ}


async def examine(settings: Settings) -> list[Finding]:
    """Look at Discord and at everything else, changing nothing."""
    async with AsyncExitStack() as stack:
        clients = []
        unusable = []
        for key in settings.infermatic_api_key:
            try:
                client = InfermaticClient(key, settings.infermatic_base_url)
            except ValueError:
                unusable.append(Finding("API key", Mark.WRONG, "one holds characters that no key has."))
                continue
            clients.append(await stack.enter_async_context(client))
        diagnosis = Diagnosis(
            clients=clients,
            look_at_database=lambda: report_on_address(settings.database_url),
            default_model=settings.default_model,
            fallback_models=settings.fallback_models,
            context_windows=settings.context_windows,
            has_secret_key=bool(settings.secret_key),
        )
        discord, others = await asyncio.gather(_discord_findings(settings.discord_token), diagnosis.findings())
    return [*discord, *unusable, *(finding for finding in others if finding is not NO_KEY or not unusable)]


async def _discord_findings(token: str) -> list[Finding]:
    if not token:
        return [Finding("Token", Mark.WRONG, "none is set.", "Set `DISCORD_TOKEN`, or use: python bot.py setup")]
    try:
        account = await ask_discord(token)
    except TokenRefusedError:
        mend = "Press Reset Token in the developer portal and copy it to `DISCORD_TOKEN`."
        return [Finding("Token", Mark.WRONG, "Discord does not accept it.", mend)]
    except DiscordUnreachableError as error:
        words = f"answers with a failure ({error.status})" if error.status else "cannot be reached"
        return [Finding("Discord", Mark.WRONG, f"{words}.", "Check the network, or try again later.")]
    found = account_findings(account)
    if account.clock_ahead_seconds is not None:
        found.append(clock_finding(account.clock_ahead_seconds))
    return found


def _print(console: Console, findings: list[Finding]) -> None:
    for finding in findings:
        sign, colour = MARKS[finding.mark]
        words = f"{finding.subject}: {finding.text}".replace("`", "")
        console.print(Text.assemble((f"{sign} ", colour), _printable(words)), soft_wrap=True)
        if finding.mend:
            console.print(Text(f"    {_printable(finding.mend.replace('`', ''))}"), soft_wrap=True)


def _printable(text: str) -> str:
    """Names come from Discord and the service; nothing in them may steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
