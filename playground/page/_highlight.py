"""Colours for code: words, texts, numbers and comments of the common languages, as escaped HTML.

A language is a few patterns, tried in order at each place; what none of them takes stays plain. Nothing is parsed, so
that half a program, which is what a chat shows, looks as good as a whole one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markdown_it.common.utils import escapeHtml

MOST_CHARACTERS = 4000
"""More than a message holds; longer code stays plain."""

_NUMBER = r"\b(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\w*"
_DOUBLE = r'"(?:\\.|[^"\\\n])*"?'
_SINGLE = r"'(?:\\.|[^'\\\n])*'?"
_BACKTICK = r"`(?:\\.|[^`\\])*`?"
_BLOCK_COMMENT = r"/\*[\s\S]*?(?:\*/|\Z)"
_LINE_COMMENT = r"//[^\n]*"
_HASH_COMMENT = r"#[^\n]*"


def _words(text: str) -> str:
    return rf"\b(?:{'|'.join(text.split())})\b"


@dataclass(frozen=True, slots=True)
class Language:
    """Patterns by what they show."""

    parts: tuple[tuple[str, str], ...]
    flags: int = 0
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Make one pattern of all."""
        joined = "|".join(f"(?P<{kind}_{number}>{part})" for number, (kind, part) in enumerate(self.parts))
        object.__setattr__(self, "pattern", re.compile(joined, self.flags))


def _c_like(words: str, *, texts: str = rf"{_DOUBLE}|{_SINGLE}") -> Language:
    return Language(
        (
            ("comment", rf"{_BLOCK_COMMENT}|{_LINE_COMMENT}"),
            ("string", texts),
            ("number", _NUMBER),
            ("keyword", _words(words)),
            ("name", r"\b[A-Za-z_]\w*(?=\()"),
        )
    )


_PYTHON = Language(
    (
        ("comment", _HASH_COMMENT),
        ("string", r"[rbfuRBFU]{0,2}(?:\"\"\"[\s\S]*?(?:\"\"\"|\Z)|'''[\s\S]*?(?:'''|\Z))"),
        ("string", rf"[rbfuRBFU]{{0,2}}(?:{_DOUBLE}|{_SINGLE})"),
        ("number", _NUMBER),
        (
            "keyword",
            _words(
                "False None True and as assert async await break case class continue def del elif else except finally "
                "for from global if import in is lambda match nonlocal not or pass raise return try while with yield"
            ),
        ),
        ("name", r"@[\w.]+|\b[A-Za-z_]\w*(?=\()"),
    )
)
_JAVASCRIPT = _c_like(
    "as async await break case catch class const continue default delete do else enum export extends false finally for "
    "from function if implements import in instanceof interface let new null of private public readonly return static "
    "super switch this throw true try type typeof undefined var void while yield",
    texts=rf"{_DOUBLE}|{_SINGLE}|{_BACKTICK}",
)
_C = _c_like(
    "abstract auto bool boolean break byte case catch char class const constexpr continue default defer delete do "
    "double else enum extends extern false final finally float fn for func go goto if impl implements import in "
    "inline int interface let long loop match mod move mut namespace new nil null nullptr package private "
    "protected pub public range return self short signed sizeof static string struct super switch template this "
    "throw trait true try type typedef uint union unsafe unsigned use using var virtual void volatile where while"
)
_JSON = Language(
    (
        ("name", r'"(?:\\.|[^"\\\n])*"(?=\s*:)'),
        ("string", _DOUBLE),
        ("number", rf"-?{_NUMBER}"),
        ("keyword", _words("true false null")),
    )
)
_MARKUP = Language(
    (
        ("comment", r"<!--[\s\S]*?(?:-->|\Z)"),
        ("keyword", r"</?[A-Za-z][\w:.-]*|/?>"),
        ("string", rf"(?<==)(?:{_DOUBLE}|{_SINGLE})"),
        ("name", r"(?<![\w:-])[\w:-]+(?==)"),
        ("number", r"&[#\w]+;"),
    )
)
_CSS = Language(
    (
        ("comment", _BLOCK_COMMENT),
        ("string", rf"{_DOUBLE}|{_SINGLE}"),
        ("number", r"#[\da-fA-F]{3,8}\b|-?\b\d+(?:\.\d+)?[\w%]*"),
        ("keyword", r"@[\w-]+|![\w]+"),
        ("name", r"(?<![\w-])[A-Za-z-][\w-]*(?=\s*:)"),
    )
)
_SHELL = Language(
    (
        ("comment", r"(?<![\w$\\])#[^\n]*"),
        ("string", rf"{_DOUBLE}|'[^']*'?"),
        ("name", r"\$(?:\w+|\{[^}\n]*\}|[@#?*!$-])"),
        ("number", r"(?<=\s)--?[A-Za-z][\w-]*"),
        (
            "keyword",
            _words("case cd do done echo elif else esac exit export fi for function if in local return then while"),
        ),
    )
)
_SQL = Language(
    (
        ("comment", rf"--[^\n]*|{_BLOCK_COMMENT}"),
        ("string", rf"{_SINGLE}|{_DOUBLE}"),
        ("number", _NUMBER),
        (
            "keyword",
            _words(
                "add all alter and as asc begin between by case column commit create delete desc distinct drop else "
                "end exists foreign from full group having in index inner insert into is join key left like limit not "
                "null offset on or order outer primary references returning right rollback select set table then union "
                "unique update using values view when where with"
            ),
        ),
        ("name", r"\b[A-Za-z_]\w*(?=\()"),
    ),
    re.IGNORECASE,
)
_SETTINGS = Language(
    (
        ("comment", r"(?m:^[ \t]*[#;][^\n]*|(?<=\s)#[^\n]*)"),
        ("keyword", r"(?m:^[ \t]*\[[^\]\n]*\]+)"),
        ("name", r"(?m:^[ \t]*(?:-[ \t]+)?[\w.\"'-]+(?=[ \t]*[:=]))"),
        ("string", rf"{_DOUBLE}|{_SINGLE}"),
        ("number", _NUMBER),
        ("keyword", _words("true false null yes no on off")),
    )
)
_DIFF = Language((("added", r"(?m:^\+[^\n]*)"), ("removed", r"(?m:^-[^\n]*)"), ("name", r"(?m:^@@[^\n]*)")))

LANGUAGES = {
    name: language
    for names, language in (
        ("py python", _PYTHON),
        ("js javascript jsx ts typescript tsx mjs", _JAVASCRIPT),
        ("c cpp c++ h cs csharp java kotlin go golang rs rust swift php dart", _C),
        ("json jsonc json5", _JSON),
        ("html xml svg vue", _MARKUP),
        ("css scss less", _CSS),
        ("sh bash shell zsh console", _SHELL),
        ("sql sqlite postgres psql mysql", _SQL),
        ("yaml yml toml ini env properties cfg dockerfile", _SETTINGS),
        ("diff patch", _DIFF),
    )
    for name in names.split()
}


def highlight(code: str, name: str | None) -> str:
    """Return code as escaped HTML, in colours where the language is known."""
    language = LANGUAGES.get((name or "").lower())
    if language is None or len(code) > MOST_CHARACTERS:
        return escapeHtml(code)
    parts: list[str] = []
    at = 0
    for match in language.pattern.finditer(code):
        if not match[0]:
            continue
        kind = (match.lastgroup or "").split("_")[0]
        parts.append(escapeHtml(code[at : match.start()]))
        parts.append(f'<span class="code-{kind}">{escapeHtml(match[0])}</span>')
        at = match.end()
    parts.append(escapeHtml(code[at:]))
    return "".join(parts)
