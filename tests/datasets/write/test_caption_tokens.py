"""Tokens of merged captions: counted with a vocabulary or estimated, and captions cut to what a generator reads."""

import io
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sentencepiece  # pyright: ignore[reportMissingTypeStubs]
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.core.token_count import ESTIMATING_COUNTER, GENERATOR_TOKENS, TokenCounter, token_counter
from chai_assets.datasets.write.caption_tokens import fit_to_token_limit
from chai_assets.datasets.write.publish import build_dataset
from chai_resources.settings import Settings
from tests.datasets.factory import clip, export, frame, merged, triples_of
from tests.datasets.write.trainer_schemas import check_all, read_rows

WORDS = "the camera pans slowly left while a man in a red coat walks past two parked bicycles near an old harbour"


def sentences(count: int, seed: int = 1) -> list[str]:
    chosen = random.Random(seed)
    return [" ".join(chosen.choices(WORDS.split(), k=12)).capitalize() + "." for _ in range(count)]


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small SentencePiece model, trained here."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences(400)),
        model_writer=model,
        vocab_size=70,
        model_type="unigram",
        minloglevel=2,
    )
    path = tmp_path_factory.mktemp("vocabulary") / "spiece.model"
    path.write_bytes(model.getvalue())
    return path


@pytest.fixture(params=["estimate", "vocabulary"])
def count(request: pytest.FixtureRequest) -> TokenCounter:
    return (
        ESTIMATING_COUNTER if request.param == "estimate" else token_counter(str(request.getfixturevalue("vocabulary")))
    )


def captions(*texts: str) -> pl.DataFrame:
    rows = [(f"clp_{number}", text) for number, text in enumerate(texts)]
    return pl.DataFrame(rows, schema={"clip_id": pl.String, "caption": pl.String}, orient="row")


def test_a_vocabulary_counts_its_pieces_and_the_token_that_ends_a_text(vocabulary: Path):
    processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary))
    text = sentences(3)[2]
    assert token_counter(str(vocabulary)).count([text, ""]) == [len(processor.encode(text)) + 1, 1]


def test_the_estimate_counts_words_in_fives_and_signs_one_by_one():
    texts = ["", "a dog", "dolly-zoom", "silhouetted", "f/2.8", "naïve", "街"]
    assert ESTIMATING_COUNTER.count(texts) == [1, 3, 4, 4, 6, 4, 2]


def test_the_manifest_says_which_counter_was_used(vocabulary: Path, tmp_path: Path):
    whole = export([clip(0)])
    exact = token_counter(str(vocabulary))
    assert "spiece.model" in exact.name
    estimated = build_dataset(whole, tmp_path / "estimate")
    counted = build_dataset(replace(whole, token_counter=exact), tmp_path / "vocabulary")
    assert [note for note in estimated.notes if ESTIMATING_COUNTER.name in note]
    assert [note for note in counted.notes if exact.name in note]
    assert estimated.dataset_id != counted.dataset_id


@pytest.mark.parametrize("content", [None, b"", b"no vocabulary at all"])
def test_a_file_that_is_no_vocabulary_is_named_with_the_remedy(tmp_path: Path, content: bytes | None):
    path = tmp_path / "spiece.model"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"CHAI_TOKENIZER=.*spiece.model is no SentencePiece vocabulary .* unset it"):
        token_counter(str(path))


def test_the_vocabulary_is_a_setting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CHAI_TOKENIZER", raising=False)
    assert token_counter(Settings.from_env().tokenizer) is ESTIMATING_COUNTER
    monkeypatch.setenv("CHAI_TOKENIZER", "/models/umt5/spiece.model")
    named = Settings.from_env()
    assert named.as_env()["CHAI_TOKENIZER"] == named.tokenizer == "/models/umt5/spiece.model"


def test_a_caption_over_the_limit_keeps_the_most_whole_sentences_from_its_start(count: TokenCounter):
    said = sentences(12)
    sized, lost = fit_to_token_limit(captions(" ".join(said), said[0]), count, limit=60)
    long, short = sized.to_dicts()
    assert (short["prompt"], short["fits"]) == (said[0], True)
    assert not long["fits"]
    assert long["tokens"] == count.count([" ".join(said)])[0] > 60
    kept = long["prompt"].count(".")
    assert long["prompt"] == " ".join(said[:kept])
    assert 0 < kept < 12
    assert count.count([" ".join(said[:kept])])[0] <= 60 < count.count([" ".join(said[: kept + 1])])[0]
    assert lost == []


def test_a_first_sentence_over_the_limit_is_left_out_and_counted(count: TokenCounter):
    endless = " ".join(sentences(30)).replace(".", ",")
    sized, (lost,) = fit_to_token_limit(captions(endless, "A dog."), count, limit=60)
    assert sized["prompt"].to_list() == [None, "A dog."]
    assert (lost.count, lost.examples) == (1, ["clp_0"])
    assert "first sentence alone is over 60 tokens" in lost.reason


def test_sentences_end_behind_a_closing_quote_and_not_within_a_number():
    text = 'A sign reads "Open." It glows at f/2.8 against the sky. ' + "word " * 40
    (row,) = fit_to_token_limit(captions(text), ESTIMATING_COUNTER, limit=40)[0].to_dicts()
    assert row["prompt"] == 'A sign reads "Open." It glows at f/2.8 against the sky.'
    (row,) = fit_to_token_limit(captions(text), ESTIMATING_COUNTER, limit=12)[0].to_dicts()
    assert row["prompt"] == 'A sign reads "Open."'


said = st.text(alphabet="ab c.!?\n\t\x00é街”", max_size=80)


@given(st.lists(said, max_size=6), st.integers(1, 40))
def test_no_prompt_is_over_the_limit_and_each_is_the_start_of_its_caption(texts: list[str], limit: int):
    sized, lost = fit_to_token_limit(captions(*texts), ESTIMATING_COUNTER, limit)
    for row, text in zip(sized.to_dicts(), texts, strict=True):
        if row["prompt"] is not None:
            assert ESTIMATING_COUNTER.count([row["prompt"]])[0] <= limit
            squeezed = " ".join(text.replace("\x00", " ").split())
            assert squeezed == row["prompt"] or squeezed.startswith(row["prompt"] + " ")
            assert row["fits"] == (squeezed == row["prompt"])
    assert sum(entry.count for entry in lost) == sized["prompt"].null_count()


class Miser:
    """Counts a run of sentences as one token more than its sentences one by one, as some vocabularies do."""

    name = "miser"

    def count(self, texts: list[str]) -> list[int]:
        return [len(text.split()) + 1 + text.count(". ") for text in texts]


def test_a_run_that_counts_more_than_its_sentences_is_cut_shorter():
    said = ["One two three.", "Four five six.", "Seven eight nine."]
    (row,) = fit_to_token_limit(captions(" ".join(said)), Miser(), limit=10)[0].to_dicts()
    assert row["prompt"] == " ".join(said[:2])
    (row,) = fit_to_token_limit(captions(" ".join(said)), Miser(), limit=7)[0].to_dicts()
    assert row["prompt"] == said[0]


def test_generators_get_what_they_read_and_the_merged_caption_stays_whole(tmp_path: Path, count: TokenCounter):
    clips = [clip(0), clip(1)]
    triples = triples_of(clips)
    long, short = " ".join(sentences(90)), " ".join(sentences(3))
    rows = [
        merged(of, [row for row in triples if row["clip_id"] == of["clip_id"]], text=text)
        for of, text in zip(clips, (long, short), strict=True)
    ]
    whole = export(clips, triples, merged_captions=frame("merged_captions", rows), token_counter=count)
    check_all(tmp_path, build_dataset(whole, tmp_path))
    kept = {row["video"]: row for row in read_rows(tmp_path / "train/merged_captions.jsonl")}
    assert {video: row["caption"] for video, row in kept.items()} == {
        clips[0]["media_key"]: long,
        clips[1]["media_key"]: short,
    }
    assert {video: row["fits"] for video, row in kept.items()} == {
        clips[0]["media_key"]: False,
        clips[1]["media_key"]: True,
    }
    csv = {row["video"]: row for row in read_rows(tmp_path / "train/diffsynth/metadata.csv")}
    jsonl = {row["video_path"]: row for row in read_rows(tmp_path / "train/musubi/captions.jsonl")}
    assert set(csv) == set(jsonl) == set(kept)
    for video, row in kept.items():
        assert csv[video]["prompt"] == jsonl[video]["caption"]
        assert count.count([csv[video]["prompt"]])[0] <= GENERATOR_TOKENS
        assert (csv[video]["cut"], jsonl[video]["cut"]) == (str(not row["fits"]).lower(), not row["fits"])
        assert row["caption"].startswith(csv[video]["prompt"])
