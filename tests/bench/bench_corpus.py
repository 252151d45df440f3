"""Importing a corpus from its tar: files and records per core-second and peak memory, beside merely reading its JSON.

python -m tests.bench.bench_corpus [--smoke]
"""

import json
import os
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from chai_assets.importing.importer import ImportOutcome, import_corpus
from chai_assets.importing.integrity.report import integrity_report
from chai_assets.importing.records import Corpus
from chai_resources.tables import Tables
from tests.bench.support.measuring import load, peak_mb, say, timed
from tests.importing.corpora import generated, tar_of

WHOLE = 45_000
"""Files of the whole corpus, of which the released quarter is a part."""
CLIPS = 640
"""Clips of the generated corpus, where CHAI_CORPUS names none: as many as the released quarter has."""


def read_alone(archive: Path) -> int:
    """The plain alternative: every file of the tar parse_json as JSON and dropped; returns how many."""
    count = 0
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                json.loads(file.read())
                count += 1
    return count


def measure(archive: Path, home: Path) -> dict[str, float]:
    """Figures by name; the import runs first, so that its peak memory is its own."""
    corpus, before = Corpus("import-bench", str.lower), peak_mb()

    def take() -> ImportOutcome:
        done = import_corpus(corpus, archive, Tables(root=str(home / "tables")), home / "bench")
        integrity_report(corpus.batch, done.files, done.facts, done.rows)
        return done

    begun = time.process_time()
    done, seconds = timed(take)
    peak, core_s = peak_mb(), time.process_time() - begun
    again, again_s = timed(take)
    if again.added.total():
        raise SystemExit(f"importing again added {again.added}")
    begun = time.process_time()
    files = read_alone(archive)
    alone_s = time.process_time() - begun
    if files != len(done.files):
        raise SystemExit(f"{files} files, and {len(done.files)} accounted for")
    records = sum(count for table, count in done.rows.items() if table != "import_files")
    return {
        "corpus_files": files,
        "corpus_s": seconds,
        "corpus_whole_core_s": core_s * WHOLE / files,
        "corpus_files_per_core_s": files / core_s,
        "corpus_records_per_core_s": records / core_s,
        "corpus_mb": peak,
        "corpus_start_mb": before,
        "corpus_again_s": again_s,
        "json_files_per_core_s": files / alone_s,
        "corpus_load": load(),
    }


def main(smoke: bool) -> dict[str, float]:
    """Measures the released corpus where CHAI_CORPUS says where it is, else a generated one."""
    given = os.environ.get("CHAI_CORPUS", "")
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(given) / "release_dev.tar.gz"
        if smoke or not given:
            archive = tar_of(generated(8 if smoke else CLIPS), Path(scratch) / "corpus.tar.gz")
        say("the released corpus" if archive.is_relative_to(given or "/nowhere") else "a generated corpus")
        return {name: round(value, 2) for name, value in measure(archive, Path(scratch)).items()}


if __name__ == "__main__":
    print(json.dumps(main("--smoke" in sys.argv)))
