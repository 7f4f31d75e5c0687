"""Every setting of the assistant, read from environment variables that start with KONTAKT_.

The table in docs/installningar.md is generated from this class (`python -m bot settings`).
"""

import os
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
KEY_FILE = (
    Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    / "kontaktcenter"
    / "data.key"
)
"""Outside the repository and away from the database: who copies those has no key."""
_SAFE = re.compile(r"https://|http://(localhost|127\.0\.0\.1)(:|/|$)")
"""Addresses whose answers can be trusted: over TLS, or on this machine."""


class Settings(BaseSettings):
    """Settings with defaults that work on one machine without any other service."""

    # an error must not print the secrets that stand beside what is wrong
    model_config = SettingsConfigDict(
        env_prefix="KONTAKT_", extra="ignore", hide_input_in_errors=True
    )

    host: str = Field("127.0.0.1", description="Adress som webbservern lyssnar på.")
    port: int = Field(8080, description="Webbserverns port.")
    rasa_port: int = Field(5005, description="Rasas port, bara på den egna maskinen.")
    actions_port: int = Field(5055, description="Åtgärdsserverns port, bara på den egna maskinen.")
    metrics_port: int = Field(
        9108, description="Port för /metrics, bara på den egna maskinen. 0 stänger av."
    )

    content_dir: Path = Field(ROOT / "content", description="Mappen med innehållet.")
    data_dir: Path = Field(ROOT / "var", description="Mapp för databaser och loggar.")
    database_url: str = Field(
        "", description="SQLAlchemy-adress till databasen. Tomt: SQLite i data_dir."
    )
    tracker_database: Path | None = Field(
        None, description="SQLite-filen där Rasa sparar samtalen. Tomt: tracker.db i data_dir."
    )

    rasa_url: str = Field("", description="Rasas adress. Tomt: den egna maskinen och rasa_port.")
    rasa_token: str = Field(
        "", description="Lösenord för Rasas inre API. `bot run` väljer ett nytt varje gång."
    )
    rasa_timeout: float = Field(
        5.0, description="Sekunder att vänta på Rasa innan reservsvaret ges.", gt=0
    )

    limits: Literal["on", "off"] = Field("on", description="off tar bort alla gränser (lastprov).")
    limit_messages: str = Field("20/minute", description="Meddelanden per samtal.")
    limit_sessions: str = Field("120/minute", description="Nya samtal per adress.")
    max_text: int = Field(1000, description="Längsta meddelande, i tecken.", gt=0)
    max_body: int = Field(64 * 1024, description="Största anrop, i byte.", gt=0)
    behind_proxy: bool = Field(
        False,
        description="Läs besökarens adress ur X-Forwarded-For (sista värdet), och om sidan hämtas "
        "med https ur X-Forwarded-Proto. Sätt på bara bakom en egen proxy.",
    )

    embed_origins: str = Field(
        "",
        description="Webbplatser som får visa chatten hos sig, med mellanslag eller komma: "
        "https://www.trollhattan.se. Tomt: bara den egna.",
    )

    session_hours: float = Field(
        24, description="Timmar efter sista meddelandet då ett samtal raderas.", gt=0
    )
    rasa_session_turns: int = Field(
        20,
        description="Antal turer innan Rasas minne av samtalet kortas, så att svaren inte "
        "blir långsammare ju längre man pratar.",
        gt=1,
    )
    data_key: str = Field(
        "",
        description="Nyckel för personuppgifter i databasen, från `python -m bot key`. Flera med "
        "komma: den första krypterar, alla läser. Tomt: key_file.",
    )
    key_file: Path = Field(
        KEY_FILE,
        description="Fil med nyckeln. Skapas första gången. Ta kopia av den, men inte på samma "
        "ställe som databasen.",
    )
    interest_months: int = Field(
        24, description="Månader efter senaste ändringen då en intresseanmälan raderas.", gt=0
    )
    events_database: Path | None = Field(
        None,
        description="SQLite-filen där Rasa lämnar samtalens händelser tills de är inlästa. Tomt: "
        "events.db i data_dir.",
    )
    rabbitmq_url: str = Field(
        "",
        description="amqp://användare:lösenord@värd:5672/ eller amqps://. Händelserna går då genom "
        "RabbitMQ i stället för events_database. Tomt: inte.",
    )
    rabbitmq_queue: str = Field("kontakt_events", description="Kön i RabbitMQ.")
    transcript_days: int = Field(
        90, description="Dagar efter sista meddelandet då personalens kopia av ett samtal raderas.",
        gt=0,
    )  # fmt: skip
    audit_days: int = Field(
        730, description="Dagar då en rad i loggen över personalens åtgärder raderas.", gt=0
    )
    recipients: dict[str, str] = Field(
        {},
        description='E-postadress för nya intresseanmälningar, per plats: {"*": "a@b.se", '
        '"overby": "c@b.se"}. Tomt: de väntar på personalsidan.',
    )
    smtp_url: str = Field(
        "",
        description="smtp://användare:lösenord@värd:587 (STARTTLS) eller smtps://. Tomt: ingen "
        "e-post skickas.",
    )
    mail_from: str = Field(
        "kontaktcenter@localhost", description="Avsändare av e-post till företag och personal."
    )
    webhook_url: str = Field(
        "", description="Adress dit nya intresseanmälningar skickas, till ett ärendesystem."
    )
    webhook_secret: str = Field(
        "", description="Hemlighet som anropen till webhook_url signeras med (HMAC-SHA256)."
    )
    staff_totp: Literal["off", "optional", "required"] = Field(
        "optional",
        description="Engångskoder för personalen, utöver lösenordet: off, optional eller required "
        "(den som saknar dem får sätta på dem först).",
    )
    staff_passwords: Literal["on", "off"] = Field(
        "on", description="off: personalen loggar bara in med kommunens inloggning (oidc_issuer)."
    )
    oidc_issuer: str = Field(
        "",
        description="Adress till kommunens inloggning (OpenID Connect), t.ex. "
        "https://login.exempel.se/realms/stad. Tomt: bara lösenord.",
    )
    oidc_client_id: str = Field("", description="Tjänstens namn hos kommunens inloggning.")
    oidc_client_secret: str = Field("", description="Tjänstens hemlighet där.")
    oidc_scope: str = Field("openid profile email", description="Vad tjänsten ber om där.")
    oidc_name_claim: str = Field(
        "preferred_username", description="Uppgiften som blir användarnamn här."
    )
    oidc_role_claim: str = Field(
        "", description="Uppgiften som ger rollen, t.ex. groups. Tomt: rollen sätts under Konton."
    )
    oidc_roles: dict[str, Literal["läsare", "redaktör", "administratör"]] = Field(
        {}, description='Vad dess värden ger för roll: {"kc-redaktion": "redaktör"}.'
    )
    oidc_new_users: Literal["läsare", "ingen"] = Field(
        "ingen",
        description="Den som loggar in första gången utan roll i oidc_roles: läsare släpper in, "
        "ingen kräver att en administratör har lagt till kontot.",
    )
    public_url: str = Field(
        "", description="Sidans adress, för länkar i e-post. Tomt: http://127.0.0.1 och port."
    )
    now: datetime | None = Field(
        None, description="Fryst klocka för prov och visningar, t.ex. 2026-12-24T10:00+01:00."
    )

    @field_validator("embed_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for origin in re.split(r"[\s,]+", value.strip()) if value.strip() else ():
            if not re.fullmatch(r"https?://[a-z0-9.-]+(:\d{1,5})?", origin):
                raise ValueError(
                    f"{origin!r} är ingen webbplats – skriv t.ex. https://www.trollhattan.se, utan "
                    "snedstreck sist"
                )
        return value

    @model_validator(mode="after")
    def _sign_in(self) -> "Settings":
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret):
            raise ValueError("KONTAKT_OIDC_ISSUER kräver KONTAKT_OIDC_CLIENT_ID och …_SECRET")
        if self.oidc_issuer and not _SAFE.match(self.oidc_issuer):
            raise ValueError("KONTAKT_OIDC_ISSUER ska börja med https://")
        if self.staff_passwords == "off" and not self.oidc_issuer:
            raise ValueError("KONTAKT_STAFF_PASSWORDS=off kräver KONTAKT_OIDC_ISSUER")
        return self

    @property
    def embedders(self) -> tuple[str, ...]:
        """The origins that may show the chat."""
        return tuple(self.embed_origins.replace(",", " ").split())

    @property
    def public_base(self) -> str:
        """The site's address without a trailing slash."""
        return (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @property
    def rasa_base(self) -> str:
        """Rasa's address without a trailing slash."""
        return (self.rasa_url or f"http://127.0.0.1:{self.rasa_port}").rstrip("/")

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the chat database, async driver."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'kontakt.db'}"

    @property
    def tracker_file(self) -> Path:
        """The SQLite file of Rasa's tracker store."""
        return self.tracker_database or self.data_dir / "tracker.db"

    @property
    def events_file(self) -> Path:
        """The SQLite file of Rasa's event broker."""
        return self.events_database or self.data_dir / "events.db"


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
