"""The tables: one file for each, with its states and its conditional updates. Nothing here calls an external system."""

from .account import Account
from .accountant_link import AccountantLink
from .api_usage import ApiUsage
from .article import Article
from .attempt import Attempt, DocumentLine, Transition
from .base import (
    SealedText,
    cached_statement,
    configure_engine,
    db,
    db_now,
    fold_for_search,
    new_uid,
    now,
    read_only,
    set_clock,
)
from .browser_session import BrowserSession
from .decision import Decision
from .document import Document
from .document_facts import DocumentPayment, DocumentWarning, record_facts
from .document_pdf import DocumentPdf
from .export_proof import ExportProof
from .followup import FollowUp
from .heartbeat import Heartbeat
from .key_usage import missing_keys
from .login_attempt import LoginAttempt
from .one_time_token import OneTimeToken
from .product import Product
from .reservation import StockReservation
from .sale import Sale
from .schema import engine_options, migrate
from .sign_in_request import SignInRequest
from .stock import StockChange, SyncedSku
from .store import Store
from .sync_run import SyncRun
from .unreadable_order import UnreadableOrder
from .vat_number import VatNumber
from .webhook import Webhook

__all__ = [
    "Account",
    "AccountantLink",
    "Article",
    "BrowserSession",
    "Attempt",
    "Decision",
    "Document",
    "DocumentLine",
    "DocumentPayment",
    "DocumentPdf",
    "DocumentWarning",
    "record_facts",
    "ExportProof",
    "FollowUp",
    "Webhook",
    "LoginAttempt",
    "Transition",
    "StockReservation",
    "Product",
    "Heartbeat",
    "SyncRun",
    "Sale",
    "SealedText",
    "SignInRequest",
    "StockChange",
    "cached_statement",
    "SyncedSku",
    "Store",
    "OneTimeToken",
    "ApiUsage",
    "UnreadableOrder",
    "VatNumber",
    "db",
    "engine_options",
    "fold_for_search",
    "missing_keys",
    "migrate",
    "db_now",
    "new_uid",
    "now",
    "configure_engine",
    "read_only",
    "set_clock",
]
