"""Encryption of personal data at rest, and keyed digests to find them by."""

import base64
import contextlib
import hashlib
import hmac
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.settings import Settings


class KeyProblem(Exception):
    """The key can't be used; the message says what to do."""


class Unreadable(Exception):
    """A sealed text was made with another key, or has been changed."""


class Vault:
    """Seals texts (AES-128-CBC with HMAC-SHA256, Fernet) and makes digests of them.

    The first key seals; all of them open, so that a key can be replaced step by step.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Keys as 32 bytes in URL-safe base64. Raises KeyProblem."""
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
            secrets = [base64.urlsafe_b64decode(key) for key in keys]
        except ValueError:
            raise KeyProblem(
                "nyckeln i KONTAKT_DATA_KEY är inte 32 byte i base64. Gör en ny med: "
                "python -m bot key"
            ) from None
        # digests must stay the same when a new key is put first: they go by the oldest one
        self._digest_key = HKDF(SHA256(), 32, None, b"kontakt digests").derive(secrets[-1])

    def seal(self, text: str) -> str:
        """The text as an opaque token, another one each time."""
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, token: str) -> str:
        """The text of a token. Raises Unreadable."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except (InvalidToken, UnicodeError):
            raise Unreadable from None

    def digest(self, kind: str, text: str) -> str:
        """64 hex digits that only the same kind and text give; useless without the key."""
        message = f"{kind}\0{text.casefold()}".encode("utf-8", "replace")
        return hmac.new(self._digest_key, message, hashlib.sha256).hexdigest()


def new_key() -> str:
    """A new random key."""
    return Fernet.generate_key().decode()


def vault(conf: Settings) -> Vault:
    """The vault of these settings; the key file is made at the first call of all processes.

    Raises KeyProblem.
    """
    if conf.data_key:
        return Vault(conf.data_key.split(","))
    return Vault(_key_file(conf.key_file).split())


def _key_file(path: Path) -> str:
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # a name of its own: in a container every start may have the same process id, and one
            # that was killed halfway must not stand in the way of the next
            handle, part = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # mode 0600
            with open(handle, "w") as file:
                file.write(new_key() + "\n")
                file.flush()
                os.fsync(handle)  # an empty file after a power cut would lose the key for good
            # link(2) fails if somebody was faster, so that two processes never have a key each
            with contextlib.suppress(FileExistsError):
                os.link(part, path)
            os.unlink(part)
        return path.read_text("ascii")
    except (OSError, UnicodeError) as error:
        raise KeyProblem(
            f"nyckelfilen {path} går inte att läsa eller skapa ({type(error).__name__}). "
            "Sätt KONTAKT_KEY_FILE till en fil som tjänsten får skriva, eller KONTAKT_DATA_KEY."
        ) from None
