"""Accounts, how wrong passwords slow down, and the commands that make accounts."""

import fcntl
import os
import pty
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.settings import ROOT, Settings
from bot.staff import accounts
from bot.staff.accounts import AccountProblem
from bot.staff.lockout import FIRST, FORGOTTEN, FREE, KEPT, Lockout
from bot.staff.sessions import IDLE, LONGEST, Visits
from bot.store.database import engine, upgrade
from bot.store.vault import Vault, new_key
from tests.staff.conftest import PASSWORD


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty database."""
    conf = Settings(data_dir=tmp_path)
    await upgrade(conf.database)
    made = engine(conf.database)
    yield made
    await made.dispose()


async def test_a_password_is_kept_as_argon2id_only(database: AsyncEngine, tmp_path: Path) -> None:
    assert await accounts.add(database, "Anna.Larsson", PASSWORD) == "anna.larsson"
    stored = await accounts.find(database, "anna.larsson")
    assert stored and stored.password.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await accounts.check(database, "anna.larsson", PASSWORD)
    assert await accounts.check(database, " ANNA.Larsson ", PASSWORD)
    assert not await accounts.check(database, "anna.larsson", PASSWORD + " ")
    assert not await accounts.check(database, "anna.larsson", "")


async def test_a_password_is_the_same_from_every_keyboard(database: AsyncEngine) -> None:
    await accounts.add(database, "åsa", "ha\u030ast batteri klammer")
    assert await accounts.check(database, "a\u030asa", "h\u00e5st batteri klammer")


@pytest.mark.parametrize("name", ["", " ", "a b", "x" * 61, "a\0b", "=a", "gallring", "<b>", ".a"])
async def test_a_name_that_cant_be_used_is_refused(database: AsyncEngine, name: str) -> None:
    with pytest.raises(AccountProblem, match=r"går inte att använda.*anna\.larsson"):
        await accounts.add(database, name, PASSWORD)
    assert not await accounts.check(database, name, PASSWORD)


async def test_a_short_password_and_a_name_taken_are_refused(database: AsyncEngine) -> None:
    with pytest.raises(AccountProblem, match=r"har 11 tecken.*12–1000"):
        await accounts.add(database, "anna", "å" * 11)
    await accounts.add(database, "anna", PASSWORD)
    with pytest.raises(AccountProblem, match="anna finns redan"):
        await accounts.add(database, "Anna", PASSWORD)


async def test_an_unknown_name_takes_as_long_as_a_known_one(database: AsyncEngine) -> None:
    await accounts.add(database, "anna", PASSWORD)

    async def seconds(name: str) -> float:
        best = 9.0
        for _ in range(5):
            started = time.process_time()
            await accounts.check(database, name, "fel lösenord")
            best = min(best, time.process_time() - started)
        return best

    known, unknown = await seconds("anna"), await seconds("ingen")
    assert unknown > known / 2


class Clock:
    """A clock that stands still until it is set forward."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_waits_grow_and_are_forgotten() -> None:
    clock = Clock()
    lockout = Lockout(clock)
    assert [lockout.attempt("anna", "1.2.3.4") for _ in range(FREE)] == [0] * FREE
    waits = []
    for _ in range(8):
        waits.append(lockout.attempt("anna", "1.2.3.4"))
        clock.now += waits[-1]
        assert lockout.attempt("anna", "1.2.3.4") == 0
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    clock.now += FORGOTTEN + 1
    assert [lockout.attempt("anna", "1.2.3.4") for _ in range(FREE)] == [0] * FREE


def test_a_name_is_locked_from_everywhere_and_an_address_for_every_name() -> None:
    lockout = Lockout(Clock())
    for number in range(FREE):
        assert lockout.attempt("anna", f"10.0.0.{number}") == 0
    assert lockout.attempt("anna", "10.0.0.99") == FIRST
    for number in range(FREE):
        assert lockout.attempt(f"namn{number}", "2001:db8::1") == 0
    assert lockout.attempt("namn", "2001:db8::2") == FIRST, "one household is one address"
    assert lockout.attempt("namn", "2001:db8:1::2") == 0


def test_a_right_password_gives_a_new_start() -> None:
    clock = Clock()
    lockout = Lockout(clock)
    for _ in range(3):
        for _ in range(FREE - 1):
            assert lockout.attempt("anna", "1.2.3.4") == 0
            clock.now += 1
        clock.now += FORGOTTEN  # the address isn't wiped clean by somebody's own password
        assert lockout.attempt("anna", "1.2.3.4") == 0
        lockout.succeeded("anna", "1.2.3.4")


def test_an_own_password_doesnt_hide_guesses_at_others() -> None:
    lockout = Lockout(Clock())
    for number in range(FREE - 1):
        assert lockout.attempt(f"namn{number}", "1.2.3.4") == 0
        assert lockout.attempt("anna", "1.2.3.4") == 0
        lockout.succeeded("anna", "1.2.3.4")
    assert lockout.attempt("namn", "1.2.3.4") == 0
    assert lockout.attempt("anna", "1.2.3.4") == FIRST


def test_made_up_names_dont_fill_the_memory() -> None:
    lockout = Lockout(Clock())
    for number in range(KEPT + 50):
        lockout.attempt(f"namn{number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(lockout._tries) == KEPT


def test_a_session_is_over_in_time_and_only_its_own_vault_reads_it() -> None:
    clock = Clock()
    visits = Visits(Vault([new_key()]), clock)
    visit = visits.open("anna", "hash")
    cookie = visits.seal(visit)
    assert visits.read(cookie) == visit
    assert Visits(Vault([new_key()]), clock).read(cookie) is None
    clock.now += IDLE
    assert visits.read(cookie)
    clock.now += 1
    assert visits.read(cookie) is None
    clock.now = visit.since + LONGEST + 1
    assert visits.read(visits.seal(visit)) is None


def test_another_sealed_text_is_no_session() -> None:
    vault = Vault([new_key()])
    visits = Visits(vault)
    for text in ("", "[]", "{}", "null", '["staff session"]', '["x", "1", "anna", "s", 1, 9e9]'):
        assert visits.read(vault.seal(text)) is None


def run(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m bot …` with a database of its own and a pipe for a keyboard."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT, env=_environment(folder), input=typed, capture_output=True, text=True,
    )  # fmt: skip


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "KONTAKT_DATA_DIR": str(folder / "var"),
        "KONTAKT_KEY_FILE": str(folder / "data.key"),
    }


def test_users_are_added_listed_and_removed_at_the_command_line(tmp_path: Path) -> None:
    short = run(tmp_path, "user", "add", "anna", typed="kort\n")
    assert (short.returncode, "Lösenordet har 4 tecken" in short.stderr) == (1, True)
    added = run(tmp_path, "user", "add", "Anna", typed=PASSWORD + "\n")
    assert (added.returncode, added.stderr) == (0, "")
    assert "anna (administratör) kan logga in på http://127.0.0.1:" in added.stdout
    assert run(tmp_path, "user", "list").stdout == "anna\tadministratör\n"
    assert run(tmp_path, "user", "remove", "anna").returncode == 0
    assert "python -m bot user add" in run(tmp_path, "user", "list").stdout


def at_terminal(folder: Path, *typed: str) -> tuple[int, str]:
    """`python -m bot user add bo` at a terminal: exit code and all that was shown."""
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "user", "add", "bo"],
        cwd=ROOT, env=_environment(folder), stdin=terminal, stdout=terminal, stderr=terminal,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(terminal)
    shown, waiting = "", list(typed)
    while True:
        try:
            part = os.read(keyboard, 1000).decode()
        except OSError:  # the terminal is closed when nobody is left at it
            break
        shown += part
        if waiting and shown.rstrip(" ").endswith(":"):
            os.write(keyboard, (waiting.pop(0) + "\n").encode())
    os.close(keyboard)
    return process.wait(30), shown


def test_at_a_terminal_the_password_is_asked_twice_and_not_shown(tmp_path: Path) -> None:
    code, shown = at_terminal(tmp_path, PASSWORD, PASSWORD + "x")
    assert (code, "Lösenorden är inte lika" in shown) == (1, True)
    assert "batteri" not in shown


def test_a_new_key_can_be_used(tmp_path: Path) -> None:
    key = run(tmp_path, "key").stdout.strip()
    assert Vault([key]).unseal(Vault([key]).seal("å")) == "å"
    assert not (tmp_path / "data.key").exists()
