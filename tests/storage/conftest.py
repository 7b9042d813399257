"""Real databases of both kinds, fresh for each test; the PostgreSQL server is that of all tests."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage import Storage, open_storage


@pytest.fixture
def sqlite_path(sqlite_template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "bot.db"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Any:
    """The address of a migrated database without rows, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('sqlite_path')}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    """The storage on either kind of database."""
    opened = await open_storage(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_storage(sqlite_path: Path) -> AsyncIterator[Storage]:
    opened = await open_storage(f"sqlite:///{sqlite_path}")
    yield opened
    await opened.close()


@pytest.fixture
async def postgres_storage(postgres_url: str) -> AsyncIterator[Storage]:
    opened = await open_storage(postgres_url)
    yield opened
    await opened.close()
