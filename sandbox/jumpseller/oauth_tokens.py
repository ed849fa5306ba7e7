"""Grants and tokens as accounts.jumpseller.com keeps them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time

from sandbox.core.storage import Json

from .platform_state import PlatformState, Shop

CLIENT_ID = "quick-invoice"
CLIENT_SECRET = "sandbox-secret"
APP_CODE = "quick-invoice"
CODE_SECONDS = 600
TOKEN_SECONDS = 3600

READ_WRITE_SCOPES = (
    "products orders customers categories store settings shipping_methods payment_methods hooks promotions "
    "taxes pages countries custom_fields checkout_custom_fields customer_categories jsapps fulfillments "
    "locations"
)
SINGLE_SCOPES = ("read_apps", "write_reviews", "read_transaction_ledgers", "write_store_setup")
SCOPES = frozenset(
    [f"{act}_{name}" for name in READ_WRITE_SCOPES.split() for act in ("read", "write")]
) | set(SINGLE_SCOPES)
# the scope when the platform itself opens the consent page
APP_SCOPE = (
    "read_store read_orders write_orders read_products write_products read_customers read_taxes "
    "read_hooks write_hooks read_apps read_locations"
)


class OAuthError(Exception):
    """An error answer of RFC 6749 section 5.2; `code` is its `error`."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.description, self.status = code, description, status


def _is_verified(grant: Json, verifier: str | None) -> bool:
    if not grant["challenge"]:
        return True
    if not verifier:
        return False
    if grant["challenge_method"] == "plain":
        return hmac.compare_digest(verifier.encode(), grant["challenge"].encode())
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(digest, grant["challenge"].encode())


class OAuthTokens:
    """The grants and tokens of every shop."""

    def __init__(self, platform: PlatformState) -> None:
        self.platform = platform

    def redirect_uris(self) -> tuple[str, ...]:
        return (f"{self.platform.app_url}/install/callback", "urn:ietf:wg:oauth:2.0:oob")

    def issue_code(self, shop: Shop, asked: Json) -> str:
        """Return a code, valid once and for ten minutes; the shop counts as having installed the app."""
        code = secrets.token_urlsafe(32)
        with self.platform.lock:
            self.platform.save_grant(
                {
                    "code": code,
                    "shop": shop.code,
                    "scope": asked["scope"],
                    "redirect_uri": asked["redirect_uri"],
                    "challenge": asked.get("code_challenge") or "",
                    "challenge_method": asked.get("code_challenge_method") or "plain",
                    "expires": time.time() + CODE_SECONDS,
                    "family": None,
                }
            )
            shop.profile.update(installed=True, scope=asked["scope"])
            shop.save()
        return code

    def exchange(self, code: str, redirect_uri: str, verifier: str | None) -> Json:
        """Return the first tokens for a code.

        Raises OAuthError for an invalid code; a code used twice also revokes its tokens.
        """
        with self.platform.lock:
            grant = self.platform.grants.get(code)
            if not grant or grant["expires"] < time.time() or grant["redirect_uri"] != redirect_uri:
                raise OAuthError(
                    "invalid_grant", "O código é inválido, expirou ou foi emitido para outro endereço."
                )
            if grant["family"]:
                self._revoke_family(grant["family"])
                raise OAuthError("invalid_grant", "O código já foi usado.")
            if self.platform.switches["pkce"] == "checked" and not _is_verified(grant, verifier):
                raise OAuthError("invalid_grant", "O code_verifier não corresponde.")
            grant["family"] = secrets.token_hex(8)
            self.platform.save_grant(grant)
            return self._issue_tokens(grant["shop"], grant["scope"], grant["family"])

    def refresh(self, refresh_token: str) -> Json:
        """Return new tokens for a refresh token.

        Raises OAuthError for an invalid one; one that was used before also revokes all of its family.
        """
        with self.platform.lock:
            old = self._find_token("refresh", refresh_token)
            if not old or old["revoked"]:
                raise OAuthError("invalid_grant", "O refresh token é inválido ou foi revogado.")
            if old["spent"]:
                self._revoke_family(old["family"])
                raise OAuthError("invalid_grant", "O refresh token já foi usado.")
            is_kept = self.platform.switches["refresh-tokens"] == "stay"
            old["spent"] = not is_kept
            if self.platform.switches["old-access-token"] == "revoked":
                old["expires"] = 0
            self.platform.save_token(old)
            return self._issue_tokens(
                old["shop"], old["scope"], old["family"], refresh_token if is_kept else None
            )

    def find_live_token(self, access_token: str) -> Json | None:
        """Return the valid access token, or None."""
        live_token = self._find_token("access", access_token)
        return (
            live_token
            if live_token and not live_token["revoked"] and live_token["expires"] > time.time()
            else None
        )

    def live_tokens(self, shop: Shop) -> list[Json]:
        """Return the shop's tokens that can still be used or refreshed."""
        return [
            token
            for token in list(self.platform.tokens.values())
            if token["shop"] == shop.code and not token["revoked"] and not token["spent"]
        ]

    def uninstall(self, shop: Shop) -> None:
        """Revoke every token of the shop and delete or keep the app's webhooks, as the switch says."""
        with self.platform.lock:
            for token in self.live_tokens(shop):
                self._revoke_family(token["family"])
            if self.platform.switches["hooks-on-uninstall"] == "deleted":
                for number in list(shop.hooks):
                    shop.drop("hook", number)
            shop.profile.update(installed=False, scope=None)
            shop.save()

    def expire(self, shop: Shop, act: str) -> int:
        """Expire the access tokens of the shop, or `revoke` all its tokens, and return their number."""
        with self.platform.lock:
            tokens = self.live_tokens(shop)
            for token in tokens:
                if act == "revoke":
                    token["revoked"] = True
                token["expires"] = 0
                self.platform.save_token(token)
            return len(tokens)

    def _find_token(self, kind: str, token_text: str) -> Json | None:
        key = hashlib.sha256(token_text.encode()).hexdigest()[:32]
        if kind == "access":
            return self.platform.tokens.get(key)
        found = [token for token in self.platform.tokens.values() if token["refresh"] == token_text]
        return max(found, key=lambda token: token["created"], default=None)

    def _revoke_family(self, family: str) -> None:
        for token in self.platform.tokens.values():
            if token["family"] == family:
                token["revoked"] = True
                self.platform.save_token(token)

    def _issue_tokens(self, shop: str, scope: str, family: str, refresh: str | None = None) -> Json:
        access = secrets.token_urlsafe(32)
        now = int(time.time())
        token = {
            "id": hashlib.sha256(access.encode()).hexdigest()[:32],
            "refresh": refresh or secrets.token_urlsafe(32),
            "shop": shop,
            "scope": scope,
            "family": family,
            "created": time.time(),
            "expires": now + TOKEN_SECONDS,
            "spent": False,
            "revoked": False,
        }
        self.platform.save_token(token)
        answer: Json = {
            "access_token": access,
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
            "refresh_token": token["refresh"],
            "created_at": now,
        }
        return {**answer, "scope": scope} if self.platform.switches["token-scope"] == "yes" else answer
