"""What storage raises. Every error carries its data; the words for users are made elsewhere.

StorageError
├── DatabaseUrlError          the address names no database that can be opened
├── CorruptDatabaseError      the file is damaged, cut off or not ours; nothing was changed
├── NewerSchemaError          a newer version of the program has migrated this database
├── StorageUnavailableError   it does not answer, also after the retries
├── DiskFullError             no room to write; reading goes on, and writing once there is room
├── ConstraintError           a row contradicts the schema
├── WrongConversationError    a message id that does not belong to this conversation
├── TurnStartedError          the reply has begun, so nothing can join its turn any more
├── ReplyMovedOnError         the reply is gone, is being written or was answered, so it stays as it is
├── WithdrawnError            who said it has opted out, or had it deleted, before it could be kept
├── SecretKeyMissingError     nothing can be sealed or opened, because no secret key is set
└── BrokenSealError           it was sealed under a key that is gone, or for something else
"""

from storage.records import ConversationKey, State


class StorageError(Exception):
    """Any failure of the storage."""


class DatabaseUrlError(StorageError):
    """The address is not one of a SQLite file or a PostgreSQL database."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CorruptDatabaseError(StorageError):
    """The database is damaged, cut off, or not one of ours."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NewerSchemaError(StorageError):
    """The database's schema is newer than this program knows."""

    def __init__(self, path: str, found: str, known: str) -> None:
        super().__init__(f"{path}: schema {found}, this program knows up to {known}")
        self.path = path
        self.found = found
        self.known = known


class StorageUnavailableError(StorageError):
    """The database does not answer, refuses us or is locked by another program."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class DiskFullError(StorageError):
    """There is no room left to write."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class ConstraintError(StorageError):
    """A row contradicts the schema, for example by naming a message that does not exist."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongConversationError(StorageError):
    """The message does not belong to this conversation, or does not exist."""

    def __init__(self, key: ConversationKey, message_id: int) -> None:
        super().__init__(f"message {message_id} is not of {key}")
        self.key = key
        self.message_id = message_id


class TurnStartedError(StorageError):
    """The reply is no longer waiting, so this message needs a turn of its own."""

    def __init__(self, reply_id: int, state: State) -> None:
        super().__init__(f"reply {reply_id} is {state}")
        self.reply_id = reply_id
        self.state = state


class ReplyMovedOnError(StorageError):
    """The reply is no longer the newest of its conversation or side branch."""

    def __init__(self, reply_id: int) -> None:
        super().__init__(f"reply {reply_id}")
        self.reply_id = reply_id


class WithdrawnError(StorageError):
    """The person does not want to have kept what they said."""


class SecretKeyMissingError(StorageError):
    """There is no secret key to seal with."""


class BrokenSealError(StorageError):
    """What is sealed does not open: the secret key is another now, or it was sealed for something else."""
