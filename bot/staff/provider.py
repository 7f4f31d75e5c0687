"""The municipality's sign-in, an OpenID provider: code flow with PKCE, id-token verified."""

import secrets
import time
import warnings
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bot.settings import Settings
from bot.staff import accounts, titles

with warnings.catch_warnings():
    from authlib.deprecate import AuthlibDeprecationWarning

    # Authlib 1.9 warns that it will ask for httpx2 one day; it works with httpx
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
    from httpx import HTTPError

KEPT, PATIENCE, LEEWAY = 3600, 10, 60
"""Seconds: how long the provider's addresses and keys are good, to wait for it, between clocks."""
_SIGNED = [f"{kind}{size}" for kind in ("RS", "PS", "ES") for size in (256, 384, 512)]
"""Only with a key that the provider alone has: HS256 would take the client's secret."""
_ROLES = {title: role for role, title in titles.ROLES.items()}


class ProviderDown(Exception):
    """No usable answer from the provider; the message is for the log."""


class NotVouched(Exception):
    """The provider doesn't vouch for whoever came back; the message is for the log."""


@dataclass(frozen=True)
class Start:
    """A sign-in that has begun: where to send the browser, and what to keep until it is back."""

    address: str
    state: str
    nonce: str
    verifier: str


class Provider:
    """Asks the provider of the settings. Nothing is read before the first sign-in."""

    def __init__(self, conf: Settings) -> None:
        self._conf = conf
        self._told: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}
        self._read = 0.0

    async def start(self, redirect: str) -> Start:
        """Begin. Raises ProviderDown."""
        async with self._client(redirect) as http:
            await self._learn(http)
            verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
            address, state = http.create_authorization_url(
                self._told["authorization_endpoint"], nonce=nonce, code_verifier=verifier
            )
        return Start(address, state, nonce, verifier)

    async def claims(self, redirect: str, code: str, nonce: str, verifier: str) -> dict[str, Any]:
        """What the provider says of somebody who came back with a code.

        Raises NotVouched, ProviderDown.
        """
        async with self._client(redirect) as http:
            await self._learn(http)
            try:
                token = await http.fetch_token(
                    self._told["token_endpoint"], code=code, code_verifier=verifier,
                    grant_type="authorization_code",
                )  # fmt: skip
            except OAuthError as error:
                raise NotVouched(error.error) from None
            except (HTTPError, ValueError) as error:
                raise ProviderDown(type(error).__name__) from None
            signed = str(token.get("id_token", ""))
            try:
                return self._verified(signed, nonce)
            except NotVouched:
                await self._learn(http, fresh=True)  # it may have new keys
                return self._verified(signed, nonce)

    def _verified(self, signed: str, nonce: str) -> dict[str, Any]:
        expected = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self._told["issuer"]},
            aud={"essential": True, "value": self._conf.oidc_client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            keys = KeySet.import_key_set(self._keys)  # type: ignore[arg-type]
            claims = jwt.decode(signed, keys, algorithms=_SIGNED).claims
            expected.validate(claims)
        except (JoseError, ValueError) as error:
            raise NotVouched(f"{type(error).__name__}: {error}"[:200]) from None
        # OpenID Connect Core 3.1.3.7: a token for several must have been made for us
        if claims.get("azp", self._conf.oidc_client_id) != self._conf.oidc_client_id:
            raise NotVouched("azp")
        return dict(claims)

    async def _learn(self, http: AsyncOAuth2Client, fresh: bool = False) -> None:
        """Read the provider's addresses and keys, unless they were read a short while ago."""
        if self._told and not fresh and time.monotonic() - self._read < KEPT:
            return
        issuer = self._conf.oidc_issuer.rstrip("/")
        told = await _json(http, f"{issuer}/.well-known/openid-configuration")
        if str(told.get("issuer", "")).rstrip("/") != issuer:
            raise ProviderDown(f"its issuer isn't {issuer}")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(isinstance(told.get(name), str) for name in needed):
            raise ProviderDown("its configuration lacks addresses")
        found = await _json(http, told["jwks_uri"])
        keys = [
            key
            for key in found.get("keys", ())
            if key.get("kty") in ("RSA", "EC") and key.get("use", "sig") == "sig"
        ]
        self._told, self._keys, self._read = told, {"keys": keys}, time.monotonic()

    def _client(self, redirect: str) -> AsyncOAuth2Client:
        ways = self._told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = "client_secret_basic" in ways
        return AsyncOAuth2Client(
            self._conf.oidc_client_id,
            self._conf.oidc_client_secret,
            token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
            scope=self._conf.oidc_scope,
            redirect_uri=redirect,
            code_challenge_method="S256",
            timeout=PATIENCE,
        )


async def _json(http: AsyncOAuth2Client, address: str) -> dict[str, Any]:
    try:
        response = await http.request("GET", address, withhold_token=True)
        response.raise_for_status()
        told = response.json()
    except (HTTPError, ValueError) as error:
        raise ProviderDown(f"{type(error).__name__}: {address}") from None
    if not isinstance(told, dict):
        raise ProviderDown(f"no object: {address}")
    return told


def role_of(claims: dict[str, Any], conf: Settings) -> str:
    """The highest role that the claim gives; "" if it gives none. "a.b" is b within a."""
    said: Any = claims
    for name in conf.oidc_role_claim.split("."):
        said = said.get(name) if isinstance(said, dict) else None
    values = said if isinstance(said, list) else [said]
    titled = {conf.oidc_roles.get(value) for value in values if isinstance(value, str)}
    given = {_ROLES[title] for title in titled if title}
    return next((role for role in reversed(accounts.ROLES) if role in given), "")
