"""The rows: one file per subject, each with its states and its queries. Nothing here talks to the outside."""

from .account import Account
from .article import Article
from .base import Sealed, db, folded, moment, new_uid, now, prepare, reading, set_clock
from .document import Document
from .followup import FollowUp
from .hook import Hook
from .knock import Knock
from .ordered import Ordered
from .product import Product
from .run import Run
from .sale import Sale
from .schema import engine_options, keys_fit, migrate
from .stock import StockChange, Stocked
from .store import Store
from .story import Attempt, DocumentLine, Move
from .ticket import Pulse, Ticket
from .usage import Usage
from .vatnumber import VatNumber

__all__ = [
    "Account", "Article", "Attempt", "Document", "DocumentLine", "FollowUp", "Hook", "Knock", "Move", "Ordered",
    "Product", "Pulse", "Run", "Sale", "Sealed", "StockChange", "Stocked", "Store", "Ticket", "Usage", "VatNumber",
    "db", "engine_options", "folded", "keys_fit", "migrate", "moment", "new_uid", "now", "prepare", "reading",
    "set_clock",
]  # fmt: skip
