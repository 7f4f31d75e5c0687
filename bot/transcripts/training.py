"""Training with approved phrases: on a copy of the data, compared with the model that answers now,
promoted or not, and taken back.

    running → ready     → promoted → rolled_back
            → refused     ready → discarded
            → failed

The work is done by processes of Rasa's environment, at low priority and one training at a time. The
project's own files are touched only by a promotion and by its way back.
"""

import asyncio
import contextlib
import difflib
import json
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import defer

from bot import rasa_project
from bot.chat.rasa import RasaAway
from bot.check import read_phrases
from bot.processes import die_with_parent, signal_group
from bot.settings import ROOT, Settings
from bot.store.audit import record
from bot.store.transcript_models import Proposal, Training, TranscriptTurn, Verdict
from bot.transcripts import phrases, proposals
from bot.transcripts.phrases import TRAINED

log = structlog.get_logger("training")
RUNNING, READY, REFUSED, FAILED = "running", "ready", "refused", "failed"
PROMOTED, ROLLED_BACK, DISCARDED = "promoted", "rolled_back", "discarded"
PREPARES = "Förbereder en kopia av träningsdata"
TRAINS = "Tränar den nya modellen"
COMPARES = "Jämför den nya modellen med den gamla"
NICE = 10
LEAST_OF_A_LABEL = 3
"""Phrases of a new answer, so that each part of the cross-validation has one."""
TAIL = 15
"""Lines of a failed command's output that are kept."""
_COMMAND_SECONDS = 3600
_UNSAID = frozenset({"", "faq", "nlu_fallback"})


class Refused(Exception):
    """It isn't done; the message says why, in a sentence for staff."""


class CommandFailed(Exception):
    """A process failed; the message is the end of its output."""


@dataclass(frozen=True)
class Place:
    """Where training takes place: the project, and what trains and compares there."""

    root: Path = ROOT
    train: Callable[[Path, str], list[str]] = rasa_project.training_command
    compare: Callable[..., list[str]] = rasa_project.comparing_command


class Trainer:
    """Runs trainings. `load` lets Rasa read another model while it answers."""

    def __init__(
        self,
        conf: Settings,
        database: AsyncEngine,
        topics: Callable[[], dict[str, str]],
        load: Callable[[Path], Awaitable[None]],
        place: Place | None = None,
    ) -> None:
        """`topics` gives the topic of each FAQ entry, which names the file of its phrases."""
        self._conf, self._db, self._topics, self._load = conf, database, topics, load
        self._place = place or Place()
        self._task: asyncio.Task[None] | None = None
        self._gate = asyncio.Lock()

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self._place.root

    @property
    def nlu(self) -> Path:
        """The project's folder of phrases."""
        return self._place.root.joinpath(*TRAINED)

    @property
    def writable(self) -> bool:
        """Whether a promotion may write the phrases into the project."""
        return all(os.access(path, os.W_OK) for path in (self.nlu, *self.nlu.glob("*.yml")))

    @property
    def has_tests(self) -> bool:
        """Whether there is anything to compare models on."""
        tests = self._place.root / "tests"
        return any((tests / "nlu").glob("*.yml")) and any((tests / "stories").glob("*.yml"))

    async def open(self) -> None:
        """A training that ran when the service ended has failed."""
        async with AsyncSession(self._db) as db, db.begin():
            await db.execute(
                update(Training)
                .where(Training.state == RUNNING)
                .values(state=FAILED, ended_at=datetime.now(UTC), report={
                    "error": "Tjänsten stoppades medan träningen pågick. Träna om igen."})
            )  # fmt: skip

    async def close(self) -> None:
        """Stop what runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def start(self, by: str) -> int:
        """Start a training with all approved phrases; its number. Raises Refused."""
        async with self._gate, AsyncSession(self._db) as db, db.begin():
            if await db.scalar(select(Training.id).where(Training.state == RUNNING)):
                raise Refused("En träning pågår redan. Vänta tills den är klar.")
            chosen = await proposals.of_state(db, proposals.APPROVED)
            if not chosen:
                raise Refused("Det finns inga godkända fraser att träna med.")
            before = rasa_project.running(self._conf) or rasa_project.serving(self._conf)
            if not await asyncio.to_thread(before.exists):
                raise Refused("Modellen som svarar nu finns inte kvar. Starta om tjänsten.")
            await db.execute(
                update(Training).where(Training.state == READY).values(state=DISCARDED)
            )
            row = Training(
                state=RUNNING, step=PREPARES, by=by, at=datetime.now(UTC),
                model_before=before.name, model_after="", report={},
            )  # fmt: skip
            db.add(row)
            await db.flush()
            await record(db, by, "training started", about(row.id), phrases=len(chosen))
            # what is live already but not in the files, where the project can't be written
            live = await proposals.of_state(db, proposals.LIVE)
            new = [_told(one) for one in reversed(chosen)]
            kept = [_told(one) for one in reversed(live)]
            reviewed = await _reviewed(db)
            number = row.id
        self._task = asyncio.create_task(self._run(number, before, new, kept, reviewed))
        return number

    async def _run(
        self, number: int, before: Path, new: list[dict[str, Any]], kept: list[dict[str, Any]],
        reviewed: list[dict[str, str]],
    ) -> None:  # fmt: skip
        begun = time.monotonic()
        folder = self._folder(number)
        report: dict[str, Any] = {"phrases": new}
        state, after = FAILED, ""
        try:
            report |= await asyncio.to_thread(self._prepare, folder, new, kept)
            model = self._models() / f"kontakt-{report['inputs']}.tar.gz"
            await self._step(number, TRAINS)
            at = time.monotonic()
            async with asyncio.TaskGroup() as tasks:
                if self.has_tests:  # the old model is tried while the new one is trained
                    compared = tasks.create_task(self._compared(folder, before, model, reviewed))
                if not await asyncio.to_thread(model.exists):  # the same phrases once more
                    await self._command(self._place.train(folder, "new"), folder)
                    await asyncio.to_thread(_put, folder / "new.tar.gz", model)
                after, trained = model.name, time.monotonic()
                await self._step(number, COMPARES)
            if self.has_tests:
                report |= compared.result()
                report["reasons"] = reasons(report)
            else:
                report["reasons"] = [
                    "Provfraserna (mappen tests) finns inte här, så det går inte att visa att "
                    "inget har blivit sämre. Lägg mappen bredvid data och träna om."
                ]
            report["took"] = {"train": round(trained - at, 1),
                              "compare": round(time.monotonic() - trained, 1),
                              "all": round(time.monotonic() - begun, 1)}  # fmt: skip
            state = REFUSED if report["reasons"] else READY
            await asyncio.to_thread(self._keep_vectors, folder)
        except* (phrases.NoPlace, CommandFailed) as failed:
            report["error"] = str(failed.exceptions[0])
        except* (OSError, ValueError, KeyError) as failed:
            log.error("training_failed", error=type(failed.exceptions[0]).__name__)
            report["error"] = f"Det gick inte ({type(failed.exceptions[0]).__name__})."
        await self._end(number, state, after, report)
        if state != READY:
            await asyncio.to_thread(self._throw_away, number, after)

    async def _compared(
        self, folder: Path, before: Path, model: Path, reviewed: list[dict[str, str]]
    ) -> dict[str, Any]:
        file, out = folder / "reviewed.json", folder / "report.json"
        await asyncio.to_thread(file.write_text, json.dumps(reviewed, ensure_ascii=False), "utf-8")
        tests = self._place.root / "tests"
        vectors = self._conf.data_dir / "mend" / "vectors.npz"
        await self._command(self._place.compare(before, model, tests, file, vectors, out), ROOT)
        told: dict[str, Any] = json.loads(await asyncio.to_thread(out.read_text, "utf-8"))
        for path in (file, out):
            await asyncio.to_thread(path.unlink)
        # what residents said goes when they erase it: their words aren't kept here
        turns = {one["text"]: one["turn"] for one in reviewed if one["turn"]}
        for row in (*told["better"], *told["worse"]):
            if row["group"] == "granskade" and row["text"] in turns:
                row |= {"text": "", "turn": turns[row["text"]]}
        return told

    async def promote(self, number: int, by: str) -> None:
        """Let a trained model answer from now on, and write its phrases into the project.

        Raises Refused; then nothing has changed.
        """
        async with self._gate:
            row = await self.find(number)
            if row.state != READY:
                raise Refused("Den här träningen går inte att ta i bruk.")
            model, told = self._find(row.model_after), row.report
            if model is None:
                raise Refused("Modellen finns inte kvar. Träna om.")
            if await asyncio.to_thread(rasa_project.inputs, self._place.root) != told["base"]:
                raise Refused("Träningsdata har ändrats sedan träningen. Träna om.")
            await self._unchanged(told["phrases"])
            writes, made = self.writable, self._folder(number).joinpath(*TRAINED)
            names = _changed(self._place.root, self._folder(number))
            kept = {name: (self.nlu / name).read_bytes() for name in names}
            try:
                if writes:
                    _write({name: (made / name).read_bytes() for name in names}, self.nlu)
                await self._load(model)
            except (RasaAway, OSError) as error:
                if writes:
                    _write(kept, self.nlu)
                raise Refused(
                    f"Rasa kunde inte läsa in den nya modellen ({error}). Den förra svarar."
                ) from None
            of = told["inputs" if writes else "base"]
            await asyncio.to_thread(rasa_project.point_at, self._conf, model, of)
            await self._settle(row, by, PROMOTED, "promoted", proposals.APPROVED, proposals.LIVE,
                               {**told, "written": sorted(names) if writes else []})  # fmt: skip
            await asyncio.to_thread(shutil.rmtree, self._folder(number), True)
            await self._prune()

    async def roll_back(self, number: int, by: str) -> None:
        """Let the model before a promotion answer again, and take the phrases out of the project.

        They stay approved. Raises Refused; then nothing has changed.
        """
        async with self._gate:
            row = await self.find(number)
            newest = await self._newest(PROMOTED)
            if row.state != PROMOTED or newest is None or newest.id != number:
                raise Refused("Bara den senaste modellen i bruk går att ta tillbaka.")
            model, told = self._find(row.model_before), row.report
            now = rasa_project.running(self._conf)
            if now is None or now.name != row.model_after:
                raise Refused("En annan modell har tagits i bruk på annat sätt sedan dess.")
            if model is None:
                raise Refused("Den förra modellen finns inte kvar.")
            names = told.get("written", [])
            kept = {name: (self.nlu / name).read_bytes() for name in names}
            try:
                _write(without(kept, told["phrases"]), self.nlu)
                await self._load(model)
            except (RasaAway, OSError) as error:
                with contextlib.suppress(OSError):
                    _write(kept, self.nlu)
                raise Refused(
                    f"Rasa kunde inte läsa in den förra modellen ({error}). Inget är ändrat."
                ) from None
            await asyncio.to_thread(rasa_project.point_at, self._conf, model, told["base"])
            await self._settle(row, by, ROLLED_BACK, "rolled back", proposals.LIVE,
                               proposals.APPROVED, told)  # fmt: skip

    async def discard(self, number: int, by: str) -> None:
        """Throw a trained model away. Raises Refused."""
        async with self._gate, AsyncSession(self._db) as db, db.begin():
            done = await db.execute(
                update(Training)
                .where(Training.id == number, Training.state == READY)
                .values(state=DISCARDED)
                .returning(Training.model_after)
            )
            model = done.scalar_one_or_none()
            if model is None:
                raise Refused("Den här träningen går inte att kasta.")
            await record(db, by, "discarded", about(number))
        await asyncio.to_thread(self._throw_away, number, model)

    async def find(self, number: int) -> Training:
        """A training. Raises LookupError."""
        async with AsyncSession(self._db) as db:
            row = await db.get(Training, number)
        if row is None:
            raise LookupError(number)
        return row

    async def history(self, most: int = 30) -> Sequence[Training]:
        """The trainings without their reports, which are long; the newest first."""
        wanted = select(Training).options(defer(Training.report)).order_by(Training.id.desc())
        async with AsyncSession(self._db) as db:
            return (await db.scalars(wanted.limit(most))).all()

    async def _newest(self, state: str) -> Training | None:
        async with AsyncSession(self._db) as db:
            wanted = select(Training).where(Training.state == state)
            return await db.scalar(wanted.order_by(Training.id.desc()).limit(1))

    def _folder(self, number: int) -> Path:
        return self._conf.data_dir / "mend" / str(number)

    def _models(self) -> Path:
        """Where models are kept: beside the project's own if that can be written."""
        own = self._place.root / "models"
        if own.is_dir() and os.access(own, os.W_OK):
            return own
        other = self._conf.data_dir / "models"
        other.mkdir(parents=True, exist_ok=True)
        return other

    def _find(self, name: str) -> Path | None:
        folders = (self._place.root / "models", self._conf.data_dir / "models")
        running = rasa_project.running(self._conf)
        paths = [
            *([running] if running and running.name == name else []),
            *(f / name for f in folders),
        ]
        return next((path for path in paths if path.is_file()), None)

    def _prepare(
        self, folder: Path, new: list[dict[str, Any]], kept: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """A copy of the data with the phrases in it; what the report says of it. Raises NoPlace."""
        root = self._place.root
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in rasa_project.COPIED:
            source = root / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
        for file in (
            root / "models" / "vectors.npz",
            self._conf.data_dir / "models" / "vectors.npz",
        ):
            if file.exists():
                (folder / "models").mkdir(exist_ok=True)
                shutil.copy(file, folder / "models")
        nlu = folder.joinpath(*TRAINED)
        there = {(p.text, p.label) for p in read_phrases(nlu)}
        for one in [*kept, *new]:
            if (one["text"], one["label"]) not in there:
                self._add(nlu, one["text"], one["label"])
        counted: dict[str, int] = {}
        for phrase in read_phrases(nlu):
            counted[phrase.label] = counted.get(phrase.label, 0) + 1
        for one in new:
            if counted[one["label"]] < LEAST_OF_A_LABEL:
                raise phrases.NoPlace(
                    f"{one['label']} har {counted[one['label']]} fraser. Det behövs minst "
                    f"{LEAST_OF_A_LABEL} för att träna."
                )
        return {
            "base": rasa_project.inputs(root),
            "inputs": rasa_project.inputs(folder),
            "patch": patch(root, folder),
        }

    def _add(self, nlu: Path, text: str, label: str) -> None:
        file = phrases.file_of(nlu, label)
        if file is None:
            topic = self._topics().get(label.removeprefix("faq/"))
            if topic is None:
                raise phrases.NoPlace(f"Det finns inget svar som heter {label}.")
            file = nlu / f"{topic}.yml"
            if not file.exists():
                raise phrases.NoPlace(f"data/nlu/{topic}.yml finns inte.")
            source = file.read_text("utf-8")
            file.write_text(phrases.with_new_block(source, label), "utf-8")
        file.write_text(phrases.added(file.read_text("utf-8"), text, label), "utf-8")

    def _keep_vectors(self, folder: Path) -> None:
        """The new phrases' vectors needn't be computed next time."""
        made = folder / "models" / "vectors.npz"
        if made.exists():
            _put(made, self._models() / "vectors.npz")

    async def _command(self, command: list[str], folder: Path) -> None:
        """Run a process of Rasa's environment. Raises CommandFailed."""
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=rasa_project.environment(self._conf),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, start_new_session=True, preexec_fn=_humble,
        )  # fmt: skip
        try:
            said, _ = await asyncio.wait_for(process.communicate(), _COMMAND_SECONDS)
        except TimeoutError:
            raise CommandFailed(f"Det tog mer än {_COMMAND_SECONDS // 60} minuter.") from None
        finally:
            signal_group(process.pid, signal.SIGKILL)
        if process.returncode != 0:
            lines = said.decode("utf-8", "replace").strip().splitlines()[-TAIL:]
            raise CommandFailed("\n".join(line[:300] for line in lines) or "Inget sades.")

    async def _step(self, number: int, step: str) -> None:
        async with AsyncSession(self._db) as db, db.begin():
            await db.execute(update(Training).where(Training.id == number).values(step=step))

    async def _end(self, number: int, state: str, after: str, report: dict[str, Any]) -> None:
        async with AsyncSession(self._db) as db, db.begin():
            values = {"state": state, "step": "", "model_after": after, "report": report,
                      "ended_at": datetime.now(UTC)}  # fmt: skip
            await db.execute(update(Training).where(Training.id == number).values(**values))

    async def _settle(
        self, row: Training, by: str, state: str, what: str, from_state: str, to_state: str,
        report: dict[str, Any],
    ) -> None:  # fmt: skip
        ids = [one["id"] for one in report["phrases"]]
        async with AsyncSession(self._db) as db, db.begin():
            await db.execute(
                update(Training).where(Training.id == row.id).values(state=state, report=report)
            )
            await db.execute(
                update(Proposal)
                .where(Proposal.id.in_(ids), Proposal.state == from_state)
                .values(state=to_state, version=Proposal.version + 1)
            )
            await record(db, by, what, about(row.id), phrases=len(ids), model=row.model_after)

    async def _unchanged(self, trained: list[dict[str, Any]]) -> None:
        """Raises Refused when a phrase was changed or taken back after the training."""
        wanted = {one["id"]: one["version"] for one in trained}
        async with AsyncSession(self._db) as db:
            found = await db.execute(
                select(Proposal.id, Proposal.version).where(
                    Proposal.id.in_(wanted), Proposal.state == proposals.APPROVED
                )
            )
            now = {number: version for number, version in found}
        if now != wanted:
            raise Refused("Fraser har ändrats eller avslagits sedan träningen. Träna om.")

    def _throw_away(self, number: int, model: str) -> None:
        """The copy, and the model unless something else needs it."""
        shutil.rmtree(self._folder(number), ignore_errors=True)
        needed = {p.name for p in (rasa_project.running(self._conf),) if p}
        if model and model not in needed and (path := self._find(model)):
            path.unlink()

    async def _prune(self) -> None:
        """Keep the models of the last two promotions and what was before them."""
        async with AsyncSession(self._db) as db:
            rows = (
                await db.scalars(
                    select(Training).options(defer(Training.report)).order_by(Training.id.desc())
                )
            ).all()
        promoted = [row for row in rows if row.state == PROMOTED]
        kept = {name for row in promoted[:2] for name in (row.model_before, row.model_after)}
        kept |= {row.model_after for row in rows if row.state == READY}
        for row in rows:
            if row.model_after not in kept and row.state != RUNNING:
                await asyncio.to_thread(self._throw_away, row.id, row.model_after)


def about(number: int) -> str:
    """How the audit log names a training."""
    return f"träning {number}"


def reasons(report: dict[str, Any]) -> list[str]:
    """Why a model must not be promoted, as sentences; empty if it may. Nobody may overrule it."""
    old, new = report["old"], report["new"]
    found = []
    was, now = old["figures"]["urgent"], new["figures"]["urgent"]
    if now["heard"] < was["heard"]:
        found.append(
            f"Färre nödlägen får 112: {now['heard']} av {now['total']} mot {was['heard']} förut."
        )
    for name, value, floor in report["passed"]:
        found.append(f"{FIGURES.get(name, name)} är {percent(value)} och gränsen {percent(floor)}.")
    worse = set(new["stories"]["failed"]) - set(old["stories"]["failed"])
    if worse:
        found.append(f"Dialoger som gick rätt går fel: {', '.join(sorted(worse))}.")
    return found


FIGURES = {
    "accuracy": "Rätt svar",
    "macro_f1": "Rätt svar, alla ämnen lika viktiga (makro-F1)",
    "direct_inside": "Besvaras direkt",
    "direct_right": "Rätt bland dem som besvaras direkt",
    "outside_wrong": "Svar på sådant som vi inte vet",
    "outside_auroc": "Skiljer det vi vet från annat (AUROC)",
    "recall": "Nödlägen som får 112, i de listor som golvet gäller",
    "false_alarms": "Falska larm",
    "no_diacritics": "Tapp utan å, ä och ö",
    "one_typo": "Tapp av ett slarvfel",
}
"""What figures are called on the page; names as in bot/nlu/floors.py."""


def percent(share: float) -> str:
    """A share as people read it: 95,3 %."""
    return f"{100 * share:.1f}".replace(".", ",") + "\u00a0%"


def patch(root: Path, folder: Path) -> str:
    """The change of data/nlu as a unified diff that `git apply` takes."""
    parts: list[str] = []
    for name in _changed(root, folder):
        path = "/".join((*TRAINED, name))
        before = root / path
        old = before.read_text("utf-8").splitlines(keepends=True) if before.exists() else []
        new = (folder / path).read_text("utf-8").splitlines(keepends=True)
        source = f"a/{path}" if old else "/dev/null"
        parts += difflib.unified_diff(old, new, source, f"b/{path}")
    return "".join(parts)


def without(files: dict[str, bytes], taken: Iterable[dict[str, Any]]) -> dict[str, bytes]:
    """Files of data/nlu without some phrases, wherever they are left."""
    found = {name: source.decode("utf-8") for name, source in files.items()}
    for one in taken:
        for name in found:
            with contextlib.suppress(phrases.NoPlace):
                found[name] = phrases.removed(found[name], one["text"], one["label"])
    return {name: source.encode("utf-8") for name, source in found.items()}


def _changed(root: Path, folder: Path) -> list[str]:
    """Names of the files of data/nlu that differ in a copy."""
    found = []
    for path in sorted(folder.joinpath(*TRAINED).glob("*.yml")):
        own = root.joinpath(*TRAINED) / path.name
        if not own.exists() or own.read_bytes() != path.read_bytes():
            found.append(path.name)
    return found


def _write(files: dict[str, bytes], folder: Path) -> None:
    """Each file at once or not at all."""
    for name, source in files.items():
        part = folder / f".{name}.part"
        part.write_bytes(source)
        shutil.copymode(folder / name, part)
        part.replace(folder / name)


def _put(file: Path, there: Path) -> None:
    """Move a file, so that nobody sees half of it."""
    part = there.with_name(f"part-{there.name}")
    shutil.move(file, part)
    part.replace(there)


def _told(one: Proposal) -> dict[str, Any]:
    return {"id": one.id, "version": one.version, "text": one.text, "label": one.label}


async def _reviewed(db: AsyncSession) -> list[dict[str, str]]:
    """What staff have said is right: approved phrases, and turns with a verdict that says it."""
    decided = await proposals.of_state(db, proposals.APPROVED, proposals.LIVE)
    found = {
        one.text: {"text": one.text, "label": one.label, "language": "sv", "turn": ""}
        for one in decided
    }
    wanted = (
        select(TranscriptTurn, Verdict)
        .join(Verdict, Verdict.turn_id == TranscriptTurn.id)
        .where(TranscriptTurn.pressed.is_(False), Verdict.verdict.in_(("right", "wrong")))
    )
    for turn, verdict in await db.execute(wanted.order_by(Verdict.at)):
        intent = turn.intent if turn.intent not in _UNSAID else None
        label = verdict.label or (turn.topic or intent if verdict.verdict == "right" else None)
        if label:
            found.setdefault(
                turn.text,
                {"text": turn.text, "label": label, "language": turn.language, "turn": turn.id},
            )
    return list(found.values())


def _humble() -> None:
    """Stop with the gateway, and let those who chat go first."""
    die_with_parent()
    os.nice(NICE)
