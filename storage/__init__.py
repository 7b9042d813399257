"""Storage: typed repositories over SQLite or PostgreSQL, one per subject."""

from storage._open import Storage, open_storage
from storage.audit import Audit, AuditEntry, AuditFilter
from storage.database import Database
from storage.errors import (
    ConstraintError,
    CorruptDatabaseError,
    DatabaseUrlError,
    DiskFullError,
    NewerSchemaError,
    ReplyMovedOnError,
    StorageError,
    StorageUnavailableError,
    TurnStartedError,
    WrongConversationError,
)
from storage.history import History
from storage.ids import new_id
from storage.lorebooks import Lorebooks
from storage.models import ModelFactsRepository
from storage.personas import Personas
from storage.pictures import Pictures
from storage.records import (
    Avatar,
    BegunTurn,
    ConversationKey,
    Grafted,
    LorebookOutline,
    ModelFacts,
    NewTurn,
    OutlinedMessage,
    PersonaContent,
    PersonaKind,
    PersonaOutline,
    Picture,
    Role,
    Scope,
    ScopeKind,
    SearchPage,
    Settlement,
    ShownReply,
    State,
    StoredLorebook,
    StoredMessage,
    StoredPersona,
    StoredWebhook,
    TranscriptMessage,
    UsageRow,
    UsageTotals,
    Voice,
)
from storage.retention import Retention
from storage.settings import Resolved, ScopedSettings, Setting
from storage.text import clean_text
from storage.usage import Usage
from storage.webhooks import Webhooks

__all__ = [
    "Audit",
    "AuditEntry",
    "AuditFilter",
    "Avatar",
    "BegunTurn",
    "ConstraintError",
    "ConversationKey",
    "CorruptDatabaseError",
    "Database",
    "DatabaseUrlError",
    "DiskFullError",
    "Grafted",
    "History",
    "LorebookOutline",
    "Lorebooks",
    "ModelFacts",
    "ModelFactsRepository",
    "NewTurn",
    "NewerSchemaError",
    "OutlinedMessage",
    "PersonaContent",
    "PersonaKind",
    "PersonaOutline",
    "Personas",
    "Picture",
    "Pictures",
    "ReplyMovedOnError",
    "Resolved",
    "Retention",
    "Role",
    "Scope",
    "ScopeKind",
    "ScopedSettings",
    "SearchPage",
    "Setting",
    "Settlement",
    "ShownReply",
    "State",
    "Storage",
    "StorageError",
    "StorageUnavailableError",
    "StoredLorebook",
    "StoredMessage",
    "StoredPersona",
    "StoredWebhook",
    "TranscriptMessage",
    "TurnStartedError",
    "Usage",
    "UsageRow",
    "UsageTotals",
    "Voice",
    "Webhooks",
    "WrongConversationError",
    "clean_text",
    "new_id",
    "open_storage",
]
