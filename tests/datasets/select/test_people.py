"""Annotators and reviewers leave the house as pseudonyms, the same in every dataset and import of a deployment."""

import json
from pathlib import Path

import polars as pl
import pytest

from chai_assets.core.pseudonyms import key_fingerprint, pseudonym
from chai_assets.datasets.assets import DatasetStore
from chai_assets.datasets.write.publish import build_dataset
from chai_resources.errors import UnusableInput
from chai_resources.services.secrets import pseudonym_key
from chai_resources.settings import Settings
from tests.datasets.factory import clip, export, many, triple

KEY = "k" * 32


def test_people_are_pseudonyms_in_every_file_of_a_dataset_and_the_manifest_tells_by_which_key(tmp_path: Path):
    of = clip(0)
    rows = [triple(of, annotator="Ada Löwe", reviewer="ben"), triple(of, "scene", annotator="ben", reviewer="Ada Löwe")]
    manifest = build_dataset(export([of], rows, people_key=KEY), tmp_path)
    read = pl.read_parquet(tmp_path / "triples.parquet")
    ada, ben = pseudonym(KEY, "Ada Löwe"), pseudonym(KEY, "ben")
    assert read.select("annotator", "reviewer").rows() == [(ada, ben), (ben, ada)]
    assert manifest.people == f"pseudonyms by key {key_fingerprint(KEY)}"
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        text = str(pl.read_parquet(path).to_dicts()) if path.suffix == ".parquet" else path.read_text("utf-8")
        assert "Löwe" not in text, path
        assert KEY not in text, path


def test_another_key_makes_other_people_of_them_and_another_dataset(tmp_path: Path):
    made = [build_dataset(many(1, people_key=key), tmp_path / key[0]) for key in (KEY, KEY, "o" * 32)]
    assert made[0] == made[1]
    assert made[0].dataset_id != made[2].dataset_id


def test_the_key_is_the_one_of_imports_and_may_be_given_to_several_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("CHAI_PSEUDONYM_KEY", raising=False)
    store = DatasetStore.of(Settings.from_env(CHAI_HOME=str(tmp_path)))
    assert store.form.people_key == pseudonym_key(tmp_path) == store.form.people_key
    assert json.loads((tmp_path / "secrets.json").read_text())["pseudonym_key"] == store.form.people_key
    assert store.form.people_key not in store.model_dump_json(), "secrets enter no configuration"
    monkeypatch.setenv("CHAI_PSEUDONYM_KEY", KEY)
    assert store.form.people_key == KEY
    assert DatasetStore.of(Settings.from_env(CHAI_HOME=str(tmp_path / "other"))).form.people_key == KEY
    monkeypatch.setenv("CHAI_PSEUDONYM_KEY", "secret")
    with pytest.raises(UnusableInput, match="has 6 characters, and a key that short can be guessed"):
        pseudonym_key(tmp_path)
