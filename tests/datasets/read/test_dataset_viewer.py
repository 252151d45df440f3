"""The viewer's page: which triples are in it, where highlights begin and end, and that texts stay texts."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from chai_assets.datasets.read.published import open_dataset
from chai_assets.datasets.read.viewer import (
    clip_address,
    cut_at_findings,
    quotes_draft,
    render_page,
    stratified_sample,
    write_viewer,
)
from chai_assets.datasets.write.publish import publish
from tests.datasets.factory import many

_keys = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)), min_size=1, max_size=60)


def _frame(strata: list[tuple[str, int]]) -> pl.DataFrame:
    rows = [{"id": f"tri_{n}", "aspect": aspect, "rating": rating} for n, (aspect, rating) in enumerate(strata)]
    return pl.DataFrame(rows)


@given(_keys, st.integers(1, 70), st.randoms(use_true_random=False))
def test_a_sample_is_the_same_in_any_order_and_fills_its_size_with_distinct_triples(
    strata: list[tuple[str, int]], size: int, random: Any
) -> None:
    keys = _frame(strata)
    chosen = stratified_sample(keys, "dst_1", size)
    assert len(set(chosen)) == len(chosen) == min(size, len(strata))
    places = list(range(keys.height))
    random.shuffle(places)
    assert stratified_sample(keys[places], "dst_1", size) == chosen


@given(_keys, st.integers(1, 70))
def test_no_stratum_is_left_short_while_another_has_more_than_its_share(
    strata: list[tuple[str, int]], size: int
) -> None:
    chosen = dict.fromkeys(strata, 0)
    for triple in stratified_sample(_frame(strata), "dst_1", size):
        chosen[strata[int(triple[4:])]] += 1
    short = [count for stratum, count in chosen.items() if count < strata.count(stratum)]
    assert not short or max(chosen.values()) <= min(short) + 1


def test_another_dataset_gives_another_sample() -> None:
    keys = _frame([("a", 1)] * 50)
    assert stratified_sample(keys, "dst_1", 10) != stratified_sample(keys, "dst_2", 10)


_text = st.text(st.sampled_from("ab \U0001f430é\n"), min_size=1, max_size=30)
_spans = st.lists(st.tuples(st.integers(0, 29), st.integers(1, 30)), max_size=4)


@given(_text, _spans)
def test_pieces_make_the_draft_again_and_each_finding_covers_its_words(
    draft: str, spans: list[tuple[int, int]]
) -> None:
    inside = [(low, high) for low, high in spans if low < high <= len(draft)]
    findings = [{"start": low, "end": high, "quote": draft[low:high]} for low, high in inside]
    assert all(quotes_draft(finding, draft) for finding in findings)
    cut = cut_at_findings(draft, findings, range(len(findings)))
    assert "".join(text for text, _ in cut) == draft
    for number, finding in enumerate(findings):
        assert "".join(text for text, numbers in cut if number in numbers) == finding["quote"]


def test_a_finding_whose_words_stand_elsewhere_is_not_highlighted() -> None:
    draft = "\U0001f430 A rabbit sleeps."
    assert quotes_draft({"start": 4, "end": 10, "quote": "rabbit"}, draft)
    # What a program that counts UTF-16 units would have written.
    assert not quotes_draft({"start": 5, "end": 11, "quote": "rabbit"}, draft)
    assert not quotes_draft({"start": 4, "end": 99, "quote": "rabbit"}, draft)
    assert not quotes_draft({"start": None, "end": None, "quote": ""}, draft)


def _data(text: str) -> Any:
    (block,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    return json.loads(block)


def test_no_text_of_a_dataset_can_end_the_block_it_stands_in() -> None:
    nasty = "</script><script>alert(1)</script><!-- <script> & \u2028 {{script}} {{data}} \"'"
    text = render_page({"triples": [nasty], "dataset": {}})
    assert _data(text)["triples"] == [nasty]
    assert text.count("</script>") == 2
    assert "<!--" not in text


def test_the_policy_allows_the_page_its_own_script_and_style_and_nothing_else() -> None:
    policy = re.findall(r'Content-Security-Policy" content="([^"]+)"', render_page({}))[0]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_a_clip_is_linked_relative_to_the_page_and_one_that_is_absent_says_where_it_is_expected(
    tmp_path: Path,
) -> None:
    media, out = tmp_path / "my media", tmp_path / "out"
    (media / "clips").mkdir(parents=True)
    (media / "clips/a#1.mp4").touch()
    assert clip_address("clips/a#1.mp4", str(media), out)["src"] == "../my%20media/clips/a%231.mp4"
    assert clip_address("clips/b.mp4", str(media), out) == {"src": "", "expected": f"{media}/clips/b.mp4"}
    assert clip_address("clips/b.mp4", "s3://films/all/", out) == {"src": "", "expected": "s3://films/all/clips/b.mp4"}
    assert (
        clip_address("clips/b c.mp4", "https://films.example/", out)["src"] == "https://films.example/clips/b%20c.mp4"
    )


def test_the_same_dataset_gives_the_same_page_with_every_aspect_and_rating_in_it(tmp_path: Path) -> None:
    root = str(tmp_path / "datasets")
    publish(many(30), root)
    dataset = open_dataset("latest", root)
    assert write_viewer(dataset, tmp_path / "one", 50, "/nowhere") == 50
    assert write_viewer(dataset, tmp_path / "two", 50, "/nowhere") == 50
    text = (tmp_path / "one/index.html").read_text()
    assert text == (tmp_path / "two/index.html").read_text()
    triples = _data(text)["triples"]
    assert {(t["aspect"], t["rating"]) for t in triples} == set(
        many(30).triples.select("aspect", "rating").unique().iter_rows()
    )
    assert {f["placed"] for t in triples for f in t["findings"]} == {True}
