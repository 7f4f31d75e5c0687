"""Make the wheel: `spacy package`, with attribution in its meta and the licences beside it.

python package.py PIPELINE WORK WHEELS VERSION
"""

import argparse
import shutil
from pathlib import Path

from spacy.cli.package import package

HERE = Path(__file__).parent


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("pipeline", "work", "wheels"):
        arguments.add_argument(name, type=Path)
    arguments.add_argument("version")
    chosen = arguments.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    chosen.wheels.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "LICENSES_SOURCES", chosen.pipeline / "LICENSES_SOURCES")
    package(
        chosen.pipeline,
        chosen.work,
        meta_path=HERE / "meta.json",
        code_paths=[HERE / "lemmatizer.py"],
        name="core_kontakt_sm",
        version=chosen.version,
        create_sdist=False,
        create_wheel=True,
        force=True,
    )
    (wheel,) = chosen.work.glob(f"*-{chosen.version}/dist/*.whl")
    shutil.copy(wheel, chosen.wheels / wheel.name)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
