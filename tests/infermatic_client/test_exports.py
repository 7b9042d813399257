import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

import infermatic_client

PUBLIC = [name for name in infermatic_client.__all__ if not name.startswith("__")]
PACKAGE = Path(infermatic_client.__file__).parent


def test_all_lists_what_the_modules_export_and_nothing_else() -> None:
    exported = set()
    for module in pkgutil.iter_modules(infermatic_client.__path__, "infermatic_client."):
        exported |= set(getattr(import_module(module.name), "__all__", ()))
    assert exported | {"__version__"} == set(infermatic_client.__all__)
    assert len(infermatic_client.__all__) == len(set(infermatic_client.__all__))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_export_is_documented(name: str) -> None:
    found = getattr(infermatic_client, name)
    if not inspect.isclass(found):
        return  # constants and type aliases have a comment or a docstring below them, which Python does not keep
    assert inspect.getdoc(found)
    members = [
        member
        for member, value in vars(found).items()
        if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
    ]
    assert not [member for member in members if not inspect.getdoc(getattr(found, member))]


@pytest.mark.parametrize("method", ["chat", "stream_chat", "complete", "stream_complete", "embed"])
def test_request_methods_take_the_same_keywords(method: str) -> None:
    parameters = inspect.signature(getattr(infermatic_client.InfermaticClient, method)).parameters
    keywords = {name for name, found in parameters.items() if found.kind is inspect.Parameter.KEYWORD_ONLY}
    assert keywords == {"sampling", "extra_body", "slot"} - ({"sampling"} if method == "embed" else set())


def test_nothing_else_of_the_project_is_imported() -> None:
    allowed = {"aiohttp", "msgspec"}
    for path in PACKAGE.glob("*.py"):
        for name in re.findall(r"^(?:from|import) ([a-z_]+)", path.read_text(), re.MULTILINE):
            assert name in allowed or _in_standard_library(name), f"{path.name} imports {name}"


def _in_standard_library(name: str) -> bool:
    import sys

    return name in sys.stdlib_module_names
