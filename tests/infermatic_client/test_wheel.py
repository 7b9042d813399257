"""The client builds as a wheel of its own, installs without the rest of the project, and does what its README says."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import infermatic_client
from tests.infermatic_client.loopback import (
    Loopback,
    Received,
    Reply,
    chat_event,
    chat_events,
    json_reply,
    stream_reply,
)

PACKAGE = Path(infermatic_client.__file__).parent


def run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a copy, because building writes beside the sources
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_its_types(wheel: Path) -> None:
    assert wheel.name == f"infermatic_client-{infermatic_client.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if "dist-info" not in name}
        (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    sources = {f"infermatic_client/{path.name}" for path in PACKAGE.glob("*.py")}
    assert names == sources | {"infermatic_client/py.typed"}
    needed = {re.split(r"[<>=]", line)[0] for line in re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)}
    assert needed == {"aiohttp", "msgspec"}


def example() -> str:
    """The README's one example, as it stands there."""
    (found,) = re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def answer(request: Received) -> Reply:
    if request.path == "/v1/models":
        return json_reply({"data": [{"id": "b-model"}, {"id": "a-model"}]})
    if request.path == "/utils/token_counter":
        return json_reply({"total_tokens": 17, "tokenizer_type": "openai_tokenizer"})
    usage = {"prompt_tokens": 17, "completion_tokens": 3, "total_tokens": 20}
    *words, done = chat_events("Hello", ", ", "reader!")
    return stream_reply([*words, chat_event(usage=usage), done])


@pytest.mark.timeout(180)  # installing fetches aiohttp and msgspec; some 8 s with a warm cache
async def test_the_readmes_example_runs_where_only_the_wheel_is_installed(
    wheel: Path, server: Loopback, tmp_path: Path
) -> None:
    venv = tmp_path / "venv"
    await asyncio.to_thread(run, sys.executable, "-m", "venv", "--without-pip", venv, cwd=tmp_path)
    python = venv / "bin" / "python"
    install: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-compile",
        wheel,
    ]
    await asyncio.to_thread(run, *install, cwd=tmp_path)

    server.script = answer
    environment = {"INFERMATIC_API_KEY": "sk-readme", "INFERMATIC_BASE_URL": server.url, "PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        python, "-I", "-c", example(), cwd=tmp_path, env=environment, stdout=-1, stderr=-1
    )
    stdout, stderr = await process.communicate()
    assert stderr.decode() == ""
    assert stdout.decode().splitlines() == [
        "2 models, for example a-model",
        "Hello, reader!",
        "finish: stop tokens: 20",
        "the prompt has about 17 tokens",
    ]
    assert [request.path for request in server.requests] == [
        "/v1/models",
        "/v1/chat/completions",
        "/utils/token_counter",
    ]
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer sk-readme"}
