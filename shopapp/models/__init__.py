"""The rows: one file per subject, each with its states and its queries. Nothing here talks to the outside."""

from .account import Account
from .base import Sealed, db, folded, moment, new_uid, now, prepare, reading, set_clock
from .document import Document
from .followup import FollowUp
from .hook import Hook
from .knock import Knock
from .sale import Sale
from .schema import engine_options, keys_fit, migrate
from .store import Store
from .story import Attempt, DocumentLine, Move
from .ticket import Pulse, Ticket
from .usage import Usage
from .vatnumber import VatNumber

__all__ = [
    "Account", "Attempt", "Document", "DocumentLine", "FollowUp", "Hook", "Knock", "Move", "Pulse", "Sale", "Sealed",
    "Store", "Ticket", "Usage", "VatNumber",
    "db", "engine_options", "folded", "keys_fit", "migrate", "moment", "new_uid", "now", "prepare", "reading",
    "set_clock",
]  # fmt: skip
