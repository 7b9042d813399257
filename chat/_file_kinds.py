"""Which files hold text, by what their names and Discord say of them."""

from enum import Enum
from pathlib import PurePosixPath
from typing import Final


class Kind(Enum):
    """What can be done with a file: read it, look at it, look into it to find out, or only name it."""

    TEXT = "text"
    PICTURE = "picture"
    UNKNOWN = "unknown"
    OTHER = "other"


PICTURE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})

# The name is believed before the type: Discord takes TypeScript for video and knows most languages not at all.
_TEXT_ENDINGS: Final = """
    txt text md markdown mdx rst adoc asciidoc org tex bib log nfo srt vtt ass lrc fountain po pot
    csv tsv json jsonl ndjson json5 jsonc geojson ipynb xml xsd xsl xslt svg rss atom plist yaml yml toml ini cfg conf
    config properties env lock editorconfig gitignore gitattributes dockerignore diff patch eml ics vcf
    html htm xhtml css scss sass less styl js mjs cjs jsx ts mts cts tsx vue svelte astro php phtml twig ejs hbs liquid
    py pyi pyx pxd rb erb gemspec pl pm raku lua tcl awk sed sh bash zsh fish ksh bat cmd ps1 psm1 vbs ahk
    c h cc cpp cxx hh hpp hxx inl m mm cs fs fsx vb java kt kts scala sc groovy gradle clj cljs cljc edn swift dart
    go mod sum rs zig nim d v vala cr jl r rmd qmd f f90 f95 for pas pp ada adb ads cob cbl lisp lsp el scm rkt hs lhs
    elm purs ml mli re res erl hrl ex exs eex heex prolog pro sol move cairo asm s nasm ll wat wast
    glsl vert frag hlsl wgsl shader gd gdshader tscn tres sql psql graphql gql proto thrift avsc
    tf tfvars hcl nix bzl bazel cmake mk make am ac ninja just dockerfile containerfile vagrantfile
    service timer desktop rules nginx htaccess csproj sln vcxproj props targets pom mcfunction lang acf vdf
"""
_ENDINGS: Final = frozenset(_TEXT_ENDINGS.split())
_TEXT_NAMES: Final = frozenset(
    {"makefile", "dockerfile", "license", "licence", "readme", "changelog", "authors", "procfile", "gemfile", "todo"}
)
_TEXT_TYPES: Final = frozenset(
    f"application/{name}"
    for name in (
        "json", "xml", "javascript", "ecmascript", "typescript", "x-javascript", "x-sh", "x-yaml", "yaml", "toml",
        "sql", "graphql", "x-httpd-php", "x-python", "x-ruby", "x-perl", "x-tex", "x-ndjson", "x-subrip",
    )
)  # fmt: skip
_UNTOLD_TYPES: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})


def kind_of(name: str, content_type: str) -> Kind:
    """What a file is, as far as its name and type say; `UNKNOWN` when only its bytes can."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in PICTURE_TYPES:
        return Kind.PICTURE
    path = PurePosixPath(name.lower())
    ending = path.suffix.removeprefix(".") or path.name.removeprefix(".")
    if ending in _ENDINGS or path.name in _TEXT_NAMES:
        return Kind.TEXT
    if kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml", "+yaml")):
        return Kind.TEXT
    return Kind.UNKNOWN if kind in _UNTOLD_TYPES else Kind.OTHER
