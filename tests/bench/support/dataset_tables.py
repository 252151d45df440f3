"""Delta tables with as many triples as wanted, in the shapes of the real ones, to measure exports on.

Five aspects a clip, five clips a source, a thousand clips a batch; lengths, ratings and the share of rejections as
counted over the original project's annotations. Words are drawn from a pool of sentences: nobody reads them.
"""

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
from deltalake import write_deltalake

from chai_assets.triples.chain_hash import chain_hash
from chai_resources.schemas import TABLES
from tests.datasets.factory import NOON

BATCH_CLIPS, CLIPS_A_SOURCE = 1_000, 5
WORDS = {"subject": 90, "scene": 94, "motion": 51, "spatial": 115, "camera": 42}
CRITIQUE_WORDS, MERGED_WORDS = 35, 261
RATINGS, SHARES = (1, 2, 3, 4, 5), (0.003, 0.055, 0.248, 0.407, 0.287)
REJECTED = 0.361
_SENTENCE = 9
SPEC = {"spec_version": "1.0.0", "spec_hash": "5" * 64}


class Maker:
    """Writes batches of made-up records to tables under `root`."""

    def __init__(self, root: Path) -> None:
        self._root, self._chance = root, np.random.default_rng(1)
        vocabulary = [
            f"{a}{b}{c}" for a in ("wal", "tor", "in", "per") for b in "aeiou" for c in ("ning", "d", "sk", "m")
        ]
        picks = self._chance.integers(0, len(vocabulary), (20_000, _SENTENCE))
        self._sentences = pl.Series([" ".join(vocabulary[n] for n in row).capitalize() + "." for row in picks])

    def write(self, triples: int) -> None:
        """Writes so many triples with all that led to them."""
        clips = triples // len(WORDS)
        for number, start in enumerate(range(0, clips, BATCH_CLIPS)):
            self._batch(f"b{number:05}", start, min(BATCH_CLIPS, clips - start))

    def _batch(self, batch: str, start: int, clips: int) -> None:
        sources = [hashlib.sha256(f"{(start + n) // CLIPS_A_SOURCE}".encode()).hexdigest() for n in range(clips)]
        self._append("sources", batch, source_id=sorted(set(sources)))
        same = {"clip_id": self._ids("clp", clips), "source_id": sources}
        self._append(
            "clips",
            batch,
            **same,
            media_key=[f"clips/{one}.mp4" for one in same["clip_id"]],
            phash=self._looks(clips),
            duration_s=self._chance.uniform(2, 15, clips),
            licence=["CC-BY-4.0"] * clips,
            rights=["Ada Film"] * clips,
        )
        finals, ids = [], []
        for aspect, words in WORDS.items():
            final, names = self._aspect(batch, same, aspect, words)
            finals.append(final)
            ids.append(names)
        merged = self._ids("mrg", clips)
        self._append(
            "merged_captions",
            batch,
            **same,
            merged_id=merged,
            triple_ids=[list(row) for row in zip(*ids, strict=True)],
            text=self._text(clips, MERGED_WORDS),
            words=[MERGED_WORDS] * clips,
            model=["offline-1"] * clips,
        )

    def _aspect(self, batch: str, clips: dict[str, list[str]], aspect: str, words: int) -> tuple[pl.Series, list[str]]:
        count = len(clips["clip_id"])
        of = {"clip_id": clips["clip_id"], "aspect": [aspect] * count}
        rating = self._chance.choice(RATINGS, count, p=SHARES)
        ids = {name: self._ids(name, count) for name in ("tri", "drf", "crt", "rev", "rvw")}
        ids["rev"] = [one if given < 5 else None for one, given in zip(ids["rev"], rating, strict=True)]
        draft, critique, final = self._text(count, words), self._text(count, CRITIQUE_WORDS), self._text(count, words)
        perfect = pl.Series(rating == 5)
        final, critique = draft.zip_with(perfect, final), pl.Series([""] * count).zip_with(perfect, critique)
        finding = {"finding_id": "fnd_1", "kind": "wrong", "start": 0, "end": 8, "fix": "torading"}
        findings = [
            [finding | {"quote": text[:8]}] if given < 5 else [] for text, given in zip(draft, rating, strict=True)
        ]
        hashes = [chain_hash(*row) for row in zip(ids["drf"], ids["crt"], ids["rev"], ids["rvw"], strict=True)]
        people = {"annotator": ["ann-1"] * count, "reviewer": ["rev-1"] * count, "model": ["offline-1"] * count}
        chain = {"draft_id": ids["drf"], "critique_id": ids["crt"], "revision_id": ids["rev"], "review_id": ids["rvw"]}
        self._append(
            "triples",
            batch,
            **of,
            source_id=clips["source_id"],
            triple_id=ids["tri"],
            entry_id=self._ids("ent", count),
            standing=["verified"] * count,
            draft=draft,
            critique=critique,
            final=final,
            rating=rating,
            rounds=[1] * count,
            findings=findings,
            chain_hash=hashes,
            **people,
            **chain,
        )
        prompts = self._ids("", count, 64)
        self._append("drafts", batch, **of, draft_id=ids["drf"], text=draft, prompt_hash=prompts, model=people["model"])
        self._rounds(batch, of, chain, rating, {"critique": critique, "final": final, "words": words}, findings)
        return final, ids["tri"]

    def _rounds(self, batch, of, chain, rating, texts, findings) -> None:
        """Critiques, revisions and reviews: one of each, and of what was rejected an earlier one."""
        count = len(rating)
        sent_back = np.flatnonzero(self._chance.random(count) < REJECTED)
        at = [*range(count), *sent_back.tolist()]
        early = {
            "crt": self._ids("crt", len(sent_back)),
            "rev": self._ids("rev", len(sent_back)),
            "rvw": self._ids("rvw", len(sent_back)),
        }
        back = {name: [values[n] for n in at] for name, values in of.items()} | {
            "draft_id": [chain["draft_id"][n] for n in at]
        }
        critiques, reviews = [*chain["critique_id"], *early["crt"]], [*chain["review_id"], *early["rvw"]]
        revisions = [*chain["revision_id"], *early["rev"]]
        rounds = [2] * count + [1] * len(sent_back)
        self._append(
            "critiques",
            batch,
            **back,
            critique_id=critiques,
            event_id=self._ids("evt", len(at)),
            round=rounds,
            cause=back["draft_id"],
            verdict=["perfect" if one is None else "change" for one in revisions],
            rating=[int(rating[n]) for n in at],
            findings=[findings[n] for n in at],
            text=pl.concat([texts["critique"], self._text(len(sent_back), CRITIQUE_WORDS)]),
            author=["ann-1"] * len(at),
        )
        verdicts = ["approve"] * count + ["reject"] * len(sent_back)
        self._append(
            "reviews",
            batch,
            **back,
            review_id=reviews,
            event_id=self._ids("evt", len(at)),
            critique_id=critiques,
            revision_id=revisions,
            verdict=verdicts,
            author=["rev-1"] * len(at),
            submitted_at=[NOON] * len(at),
        )
        made = [n for n, one in enumerate(revisions) if one is not None]
        whole = pl.concat([texts["final"], self._text(len(sent_back), texts["words"])])
        self._append(
            "revisions",
            batch,
            **{name: [values[n] for n in made] for name, values in back.items()},
            revision_id=[revisions[n] for n in made],
            critique_id=[critiques[n] for n in made],
            text=whole[made],
            model=["offline-1"] * len(made),
        )

    def _text(self, count: int, words: int) -> pl.Series:
        """So many texts of about so many words, no two alike."""
        pieces = [
            self._sentences[self._chance.integers(0, len(self._sentences), count)]
            for _ in range(max(1, words // _SENTENCE))
        ]
        return (
            pl.DataFrame(pieces, schema=[str(n) for n in range(len(pieces))])
            .select(pl.concat_str(pl.all(), separator=" "))
            .to_series()
        )

    def _ids(self, kind: str, count: int, digits: int = 32) -> list[str]:
        text, prefix = self._chance.bytes(count * digits // 2).hex(), f"{kind}_" if kind else ""
        return [prefix + text[digits * n : digits * (n + 1)] for n in range(count)]

    def _looks(self, count: int) -> list[str]:
        text = self._chance.bytes(count * 105).hex()
        return ["-".join(text[210 * n + 70 * at : 210 * n + 70 * at + 70] for at in range(3)) for n in range(count)]

    def _append(self, table: str, batch: str, **columns) -> None:
        schema = TABLES[table].schema
        height = len(next(iter(columns.values())))
        same = {"batch": [batch] * height, "recorded_at": [NOON] * height}
        same |= {name: [value] * height for name, value in SPEC.items() if name in schema.names}
        types = pl.Schema(schema)
        given = same | columns
        made = pl.DataFrame(
            {name: pl.Series(name, values, dtype=types[name], strict=False) for name, values in given.items()}
        )
        whole = made.select(
            pl.col(name) if name in given else pl.lit(None, types[name]).alias(name) for name in schema.names
        )
        write_deltalake(f"{self._root}/{table}", whole.to_arrow().cast(schema), mode="append", partition_by=["batch"])
