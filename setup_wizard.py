"""`python bot.py setup`: asks for what the bot needs, checks it against the services, and writes `.env`."""

import asyncio
import io
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from cryptography.fernet import Fernet
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from rich.columns import Columns
from rich.console import Console
from rich.text import Text

from chat.diagnosis import models_of, service_words
from cogs._account import PORTAL, Account, DiscordUnreachableError, TokenRefusedError, ask_discord
from infermatic_client import AuthenticationError, InfermaticClient, InfermaticError, PermissionDeniedError
from settings import Settings, SettingsError

FOLDER = Path(__file__).parent
EXAMPLE = FOLDER / ".env.example"
BACKUP_ENDING = ".bak"
PLAIN_VALUE = re.compile(r"[\w./:@=,+-]*")  # what a line of .env holds without quotes
UNAVAILABLE = 1  # trying again later may help, so this is no matter of the configuration


class ProblemError(Exception):
    """Something that was answered is not right; `words` say what, `may_pass` that it may be right later."""

    def __init__(self, words: str, *, may_pass: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.may_pass = may_pass


@dataclass
class Wizard:
    """One run: the answers so far, and whether there is somebody to ask."""

    answers: dict[str, str] = field(repr=False)
    given: frozenset[str]  # what is not asked for, because an option or the environment gave it
    asks: bool
    console: Console

    def run(self) -> Account:
        """Ask for everything in turn. Ends the program when nobody can be asked about a problem."""
        account = self._discord()
        self._intent(account)
        self._default_model(self._infermatic())
        self._owner(account)
        self.answers["SECRET_KEY"] = self.answers.get("SECRET_KEY") or Fernet.generate_key().decode()
        return account

    def _discord(self) -> Account:
        self._say("\n[1/4] Discord", f"The bot's token: {PORTAL}, your application, Bot, Reset Token.")
        while True:
            token = self._secret("DISCORD_TOKEN", "Token")
            try:
                account = asyncio.run(_account_of(token))
            except ProblemError as problem:
                self._again("DISCORD_TOKEN", problem)
                continue
            self._say(f"Discord knows it: this is {account.name}.")
            return account

    def _intent(self, account: Account) -> None:
        if account.message_content:
            return
        self._say(
            "The Message Content intent is off, so the bot would read only messages that mention it, and replies whose",
            "ping is on. Switch it on under Privileged Gateway Intents, and save:",
            f"  {account.intents_page}",
        )

    def _infermatic(self) -> list[str]:
        self._say("\n[2/4] Infermatic", "Your API key; several, separated by commas, form a pool.")
        while True:
            keys = self._secret("INFERMATIC_API_KEY", "Key")
            try:
                models = asyncio.run(_models_of_all(keys, self.answers))
            except ProblemError as problem:
                self._again("INFERMATIC_API_KEY", problem)
                continue
            self._say(f"The service accepts it: {len(models)} models.")
            return models

    def _default_model(self, models: list[str]) -> None:
        self._say("\n[3/4] The model that answers where nobody has chosen another")
        if self.asks and "DEFAULT_MODEL" not in self.given:
            lines = [Text(f"{number:>3} {name}") for number, name in enumerate(models, 1)]
            self.console.print(Columns(lines, padding=(0, 3)))
        while True:
            answer = self._plain("DEFAULT_MODEL", "Number or name", models[0])
            name = models[int(answer) - 1] if answer.isdecimal() and 0 < int(answer) <= len(models) else answer
            if name in models:
                self.answers["DEFAULT_MODEL"] = name
                self._say(f"{name} answers.")
                return
            self._again("DEFAULT_MODEL", ProblemError("The service has no model of that name or number for you."))

    def _owner(self, account: Account) -> None:
        self._say("\n[4/4] Who runs the bot", "Discord ids, separated by commas; they may do everything, everywhere.")
        while True:
            answer = self._plain("OWNER_IDS", "Your Discord id", str(account.owner_id))
            try:
                Settings.from_env({"OWNER_IDS": answer})
            except SettingsError:
                self._again("OWNER_IDS", ProblemError("A Discord id is a number, such as 80351110224678912."))
                continue
            self.answers["OWNER_IDS"] = answer
            return

    def _secret(self, name: str, prompt: str) -> str:
        known = self.answers.get(name, "")
        if name in self.given or (known and not self.asks):
            return known
        if not self.asks:
            _end(self.console, os.EX_CONFIG, f"{name} is not given. Give it as an option or in the environment.")
        hint = " (Enter keeps the one you have)" if known else ""
        answer = ""
        while not answer:
            text = typer.prompt(f"{prompt}, not shown{hint}", default=known or "", hide_input=True, show_default=False)
            answer = str(text).strip()
        self.answers[name] = answer
        return answer

    def _plain(self, name: str, prompt: str, fallback: str) -> str:
        known = self.answers.get(name) or fallback
        if name in self.given or not self.asks:
            return known
        return str(typer.prompt(prompt, default=known)).strip()

    def _again(self, name: str, problem: ProblemError) -> None:
        """Say what is wrong; then forget the answer, or try the same again if that may help."""
        if not self.asks:
            _end(self.console, UNAVAILABLE if problem.may_pass else os.EX_CONFIG, f"{name}: {problem.words}")
        self._say(problem.words)
        if not problem.may_pass:
            self.given -= {name}
            self.answers.pop(name, None)
        elif typer.confirm("Try again?", default=True):
            self.given |= {name}
        else:
            _end(self.console, UNAVAILABLE, "Nothing was written.")

    def _say(self, *lines: str) -> None:
        for line in lines:
            self.console.print(Text(line), soft_wrap=True)


def setup(
    token: Annotated[str, typer.Option(envvar="DISCORD_TOKEN", help="The bot's token.", show_envvar=True)] = "",
    key: Annotated[str, typer.Option(envvar="INFERMATIC_API_KEY", help="The API key, or several with commas.")] = "",
    model: Annotated[str, typer.Option(envvar="DEFAULT_MODEL", help="The model that answers by default.")] = "",
    owner: Annotated[str, typer.Option(envvar="OWNER_IDS", help="Discord ids of who runs the bot.")] = "",
    file: Annotated[Path, typer.Option(help="The file to write.")] = FOLDER / ".env",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
) -> None:
    """Ask for what the bot needs, check it, and write .env.

    On a command line others can see a token; the environment is the better place for it.
    """
    console = Console(highlight=False)
    try:
        before = read_values(file)
        check_writable(file)
    except OSError as error:
        _end(console, os.EX_CONFIG, f"{file} cannot be written: {error.strerror}. Nothing was changed.")
    options = {"DISCORD_TOKEN": token, "INFERMATIC_API_KEY": key, "DEFAULT_MODEL": model, "OWNER_IDS": owner}
    given = {name: value.strip() for name, value in options.items() if value.strip()}
    base_url = os.environ.get("INFERMATIC_BASE_URL", "")
    answers = {**before, **({"INFERMATIC_BASE_URL": base_url} if base_url else {}), **given}
    wizard = Wizard(answers, frozenset(given), asks=not yes, console=console)
    account = wizard.run()
    _write(console, file, {name: value for name, value in answers.items() if before.get(name) != value}, asks=not yes)
    console.print(Text(f"\nAdd the bot to a server:\n  {account.invitation}"), soft_wrap=True)
    console.print(Text("Start it:\n  make run\nIf something is not right:\n  make doctor"), soft_wrap=True)


def _write(console: Console, file: Path, changes: Mapping[str, str], *, asks: bool) -> None:
    console.print()
    if not changes:
        console.print(Text(f"{file} says all this already; it stays as it is."), soft_wrap=True)
        return
    backup = file.with_name(file.name + BACKUP_ENDING)
    words = f" and keep the old one as {backup.name}" if file.exists() else ""
    if asks and not typer.confirm(f"Write {file}{words}?", default=True):
        _end(console, UNAVAILABLE, "Nothing was written.")
    try:
        if file.exists():
            write_private(backup, file.read_text())
        base = file if file.exists() else EXAMPLE
        write_private(file, with_values(base.read_text() if base.exists() else "", changes))
    except OSError as error:
        _end(console, os.EX_CONFIG, f"{file} cannot be written: {error.strerror}. It is as it was.")
    console.print(Text(f"{file} is written; only you can read it."), soft_wrap=True)


async def _account_of(token: str) -> Account:
    try:
        return await ask_discord(token)
    except TokenRefusedError:
        raise ProblemError("Discord does not accept this token. Press Reset Token in the portal and copy it.") from None
    except DiscordUnreachableError as error:
        words = f"answers with a failure ({error.status})" if error.status else "cannot be reached"
        raise ProblemError(f"Discord {words}. Check the network, or try again later.", may_pass=True) from error


async def _models_of_all(keys: str, answers: Mapping[str, str]) -> list[str]:
    """The models that any of the keys may use; each key must be accepted."""
    try:
        settings = Settings.from_env({"INFERMATIC_BASE_URL": answers.get("INFERMATIC_BASE_URL", "")})
    except SettingsError as error:
        raise ProblemError("; ".join(error.problems)) from error
    models: set[str] = set()
    for key in filter(None, map(str.strip, keys.split(","))):
        try:
            async with InfermaticClient(key, settings.infermatic_base_url) as client:
                models.update(await models_of(client))
        except ValueError:
            raise ProblemError("An API key has no spaces and no special characters.") from None
        except InfermaticError as error:
            of_the_key = isinstance(error, AuthenticationError | PermissionDeniedError)
            words, mend = service_words(error)
            subject = "This key" if of_the_key else "Infermatic"
            text = f"{subject}: {words} {mend}".replace("`", "")
            raise ProblemError(text, may_pass=not of_the_key) from error
    if not models:
        raise ProblemError("This key may use no model. Look at your plan.")
    return sorted(models)


def read_values(file: Path) -> dict[str, str]:
    """What a `.env` file sets, if there is one."""
    if not file.exists():
        return {}
    return {name: value for name, value in dotenv_values(file, interpolate=False).items() if value}


def with_values(text: str, values: Mapping[str, str]) -> str:
    """The text of a `.env` file with these values in it; every other line stays as it is."""
    lines, left = [], dict(values)
    for binding in parse_stream(io.StringIO(text)):
        if binding.key is not None and binding.key in values:
            line = binding.original.string
            start = line[: len(line) - len(line.lstrip())]  # empty lines above belong to it
            end = "\n" if line.endswith("\n") else ""
            lines.append(f"{start}{binding.key}={_quoted(values[binding.key])}{end}")
            left.pop(binding.key, None)
        else:
            lines.append(binding.original.string)
    joined = "".join(lines)
    if left and joined and not joined.endswith("\n"):
        joined += "\n"
    return joined + "".join(f"{name}={_quoted(value)}\n" for name, value in left.items())


def _quoted(value: str) -> str:
    if PLAIN_VALUE.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def check_writable(file: Path) -> None:
    """Raise `OSError` now rather than after all the questions."""
    handle, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.resolve().parent)
    os.close(handle)
    Path(name).unlink()


def write_private(file: Path, text: str) -> None:
    """Replace a file whole or not at all; only its owner can read it, from the first byte on."""
    file = file.resolve()  # a link stays a link
    handle, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as unfinished:
            unfinished.write(text)
            unfinished.flush()
            os.fsync(handle)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _end(console: Console, code: int, words: str) -> NoReturn:
    console.print(Text(words), soft_wrap=True)
    raise typer.Exit(code)
