"""Accounts: a store's credentials at an invoicing provider, its settings, and the state of the circuit breaker.

A document stays with the account that it was claimed with. So an account is closed, never turned into another one.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    LargeBinary,
    Select,
    String,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shopapp.fiscal.document import FiscalSettings, RoundingLevel

from .account_settings import AccountSettings
from .base import (
    BigId,
    SealedJson,
    UidModel,
    UtcDateTime,
    cached_statement,
    db,
    db_now,
    execute_update,
    now,
)
from .decision import Decision
from .lease import is_free
from .provider_lists import ProviderLists
from .sealed_columns import SealedDict
from .store import Store


class Account(UidModel):
    """One account; the store's current one has no `active_until`."""

    __tablename__ = "account"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), index=True)
    provider: Mapped[str] = mapped_column(String(20))
    credentials_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    tails: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Per secret field its last four characters and the day it was saved: `{"code": ["7c41", "2026-11-20"]}`."""
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    """The same for two accounts exactly when they are the same entity at the provider."""
    label: Mapped[str] = mapped_column(String(200), default="")
    nif: Mapped[str] = mapped_column(String(20), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The provider's properties of the account: region, warehouses managed, stock moves on issue."""
    choices: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The provider's lists as last read, with the time (`ProviderLists`)."""
    settings: Mapped[dict[str, Any]] = mapped_column(SealedDict("account.settings"), default=dict)
    active_from: Mapped[datetime] = mapped_column(UtcDateTime)
    active_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disconnected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when the merchant wants it disconnected: its credentials go as soon as nothing needs them."""
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when the provider refuses the credentials; while it is set, nothing of this account is taken."""
    refused_code: Mapped[str] = mapped_column(String(40), default="")
    refused_detail: Mapped[dict[str, Any]] = mapped_column(SealedDict("account.refused_detail"), default=dict)
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The provider was down: no document of this account is tried before."""
    pauses: Mapped[int] = mapped_column(default=0)
    """Pauses in a row: while there are some, one document at a time probes whether the provider is back."""
    probe_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """Calls in a row without an answer."""
    down_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    compared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the provider's own documents were last compared with ours."""

    # what the figures of its documents have shown (`models.first_document`)
    proved: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when anything is proved."""
    first_document_id: Mapped[int | None] = mapped_column(BigId)
    """The last document that went alone because it would prove something."""
    differs_document_id: Mapped[int | None] = mapped_column(BigId)
    """The document whose figures differ: until the merchant has decided, nothing of this account is issued."""
    differs_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_readings: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    """Readings of our figures (`fiscal.comparison.READINGS`) that the merchant has declared right."""
    reading_decisions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, server_default="[]")
    """When each of these was accepted and, where it was, taken back: `reading`, `document`, `at`, `until`."""

    credentials = SealedJson()
    store: Mapped[Store] = relationship()

    @classmethod
    def find_current(cls, store: Store) -> Account | None:
        """Return the store's current account."""
        return db.session.scalar(_current(), {"store_id": store.id})

    @classmethod
    def connect(cls, store: Store, provider: str, fingerprint: str) -> Account:
        """Make the account with this provider and entity the current one, and close the former. Not committed."""
        same = db.session.scalar(
            select(cls).where(
                cls.store_id == store.id, cls.provider == provider, cls.fingerprint == fingerprint
            )
        )
        present = cls.find_current(store)
        if present is not None and present is not same:
            present.active_until = now()
        if same is None:
            same = cls(store_id=store.id, provider=provider, fingerprint=fingerprint, active_from=now())
            db.session.add(same)
        if same.active_until is not None or present is None or present.id != same.id:
            # a new connection proves its figures again
            same.proved, same.proved_at, same.first_document_id = [], None, None
            same.differs_document_id, same.differs_at, same.accepted_readings = None, None, []
            same.reading_decisions = closed_readings(same.reading_decisions)
        same.active_until = same.disconnected_at = None
        return same

    @classmethod
    def is_available(cls) -> ColumnElement[bool]:
        """Return the condition that an account's keys are good and its provider is not known to be down."""
        return cls.refused_at.is_(None) & is_free(cls.paused_until)

    @classmethod
    def claim_probe(cls, number: int, seconds: float) -> bool:
        """Let this caller alone probe, for these seconds, whether the provider is back. Not committed."""
        mine = update(cls).where(cls.id == number, is_free(cls.probe_until))
        return execute_update(mine.values(probe_until=db_now(seconds))) > 0

    def count_failure(self) -> int:
        """Count a call without an answer, and return how many there were in a row. Commits."""
        counted = db.session.execute(
            update(Account)
            .where(Account.id == self.id)
            .values(failures=Account.failures + 1, down_since=func.coalesce(Account.down_since, db_now()))
            .returning(Account.failures)
            .execution_options(synchronize_session=False)
        ).scalar_one()
        db.session.commit()
        db.session.refresh(self)
        db.session.commit()
        return int(counted)

    def pause(self, seconds: float) -> bool:
        """Pause the account once more; return False when it is paused already. Commits."""
        paused = execute_update(
            update(Account)
            .where(
                Account.id == self.id,
                Account.pauses == self.pauses,
                is_free(Account.paused_until),
            )
            .values(pauses=self.pauses + 1, paused_until=db_now(seconds), probe_until=None)
        )
        db.session.commit()
        return paused > 0

    def clear_failures(self) -> None:
        """Record that the provider answers, which ends every pause of the account. Not committed."""
        if self.failures or self.pauses:
            execute_update(
                update(Account)
                .where(Account.id == self.id)
                .values(failures=0, pauses=0, paused_until=None, probe_until=None, down_since=None)
            )

    @property
    def chosen(self) -> AccountSettings:
        """The merchant's settings, typed; `settings` is what is stored."""
        return AccountSettings.from_json(self.settings)

    @property
    def lists(self) -> ProviderLists:
        """The provider's lists as last read, typed; `choices` is what is stored."""
        return ProviderLists.from_json(self.choices)

    @property
    def handles_unpaid_orders(self) -> bool:
        """Whether the merchant wants provider drafts or order notes for orders that are not paid."""
        return self.chosen.drafts or self.chosen.notes

    @property
    def stock_direction(self) -> str:
        """Which side follows the other: `to-shop`, `to-provider`, or empty where stock is not synced."""
        return self.chosen.stock if self.active_until is None else ""

    @property
    def stock_places(self) -> tuple[tuple[str, str], ...]:
        """The pairs of warehouse and shop location that are synced; '' where a side has only one."""
        return self.chosen.stock_places or ((self.chosen.warehouse, ""),)

    @property
    def stock_settings_digest(self) -> str:
        """A digest of the stock settings: it changes when the merchant changes one of them."""
        chosen = json.dumps([self.stock_direction, self.stock_places, self.chosen.warehouse])
        return hashlib.sha256(chosen.encode()).hexdigest()[:16]

    def fiscal_settings(self, level: RoundingLevel) -> FiscalSettings:
        """Return the settings in the fiscal core's terms, for a provider that rounds at `level`."""
        chosen = self.settings
        names = FiscalSettings.__dataclass_fields__.keys() - {"rounding_level", "decisions"}
        values = {k: chosen[k] for k in names if k in chosen}
        return FiscalSettings(**values, decisions=Decision.in_force(self.id), rounding_level=level)


def closed_readings(decisions: list[dict[str, Any]] | None, *readings: str) -> list[dict[str, Any]]:
    """Return the decisions with those about these readings ended now; with all of them where none is named."""
    ended = now().isoformat()
    return [
        {**one, "until": ended}
        if not one.get("until") and (not readings or one["reading"] in readings)
        else one
        for one in decisions or ()
    ]


@cached_statement
def _current() -> Select[Account]:
    """Select the current account of the store bound to "store_id"."""
    mine = select(Account).where(Account.store_id == bindparam("store_id"), Account.active_until.is_(None))
    return mine.order_by(Account.id.desc())
