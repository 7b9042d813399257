"""What was learned about models, so that nothing is asked or got wrong twice."""

from dataclasses import fields

from sqlalchemy import Connection, select

from storage._upsert import Upsert
from storage.database import Database
from storage.records import ModelFacts
from storage.schema import model_facts

_names = tuple(field.name for field in fields(ModelFacts))
_save = Upsert(model_facts, overwrite=[name for name in _names if name != "model"])
_select = select(*(model_facts.c[name] for name in _names)).order_by(model_facts.c.model)


class ModelFactsRepository:
    """Facts about models, kept for all guilds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, ModelFacts]:
        """Everything known, by model."""
        return await self._database.read(read_facts)

    async def save(self, facts: ModelFacts) -> None:
        """Replace what is known about one model."""
        await self._database.write(save_facts, facts)


def save_facts(connection: Connection, facts: ModelFacts) -> None:
    """Replace what is known about one model, as part of a transaction."""
    _save(connection, **{name: getattr(facts, name) for name in _names})


def read_facts(connection: Connection) -> dict[str, ModelFacts]:
    """Everything known, by model, as part of a transaction."""
    return {row.model: ModelFacts(*row) for row in connection.execute(_select)}
