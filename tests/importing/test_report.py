"""The audit: figures from facts, with their wholes, and a page that shows them and nothing as markup."""

from pathlib import Path

from rich.console import Console

from chai_assets.cli.import_ import run_import
from chai_assets.core.pseudonyms import pseudonym
from chai_assets.importing.integrity.figures import figures
from chai_assets.importing.integrity.page import report_page
from chai_assets.importing.integrity.report import integrity_report, reviewers
from chai_assets.importing.item_facts import ItemFacts
from chai_resources.settings import Settings
from chai_resources.tables import Tables
from tests.importing.corpora import approved, at, folder_of, generated, item, packed, precaption, review


def facts(clip: str = "pier.0.0.mp4", aspect: str = "camera", status: str = "approved", **more: object) -> ItemFacts:
    given = {"rating": 4, "first_rating": 4, "asks_change": True, "author": "ada", "first_author": "ada"}
    given |= {"reviewer": "bo", "triple": status == "approved"}
    return ItemFacts(clip, clip.split(".")[0], aspect, status, f"{clip}.json", **(given | more))  # pyright: ignore


def figure(name: str, *items: ItemFacts) -> tuple[int, int]:
    share = next(share for share in figures([], items) if share.id == name)
    return share.count, share.of


def test_edits_are_counted_of_the_critiques_that_ask_for_a_change_and_once_where_both_hold() -> None:
    perfect = facts(rating=5, asks_change=False)
    items = (
        facts(hand_edited=True),
        facts(wording_shown="edit"),
        facts(hand_edited=True, wording_shown="both"),
        facts(),
        perfect,
    )
    assert figure("hand_edited", *items) == (2, 4)
    assert figure("critique_edited", *items) == (2, 4)
    assert figure("either", *items) == (3, 4)
    assert figure("edit_shows", *items) == figure("old_wording_shows", *items) == (1, 2)


def test_a_draft_that_rests_on_no_caption_is_not_counted_among_those_that_may_be_stale() -> None:
    both = facts(aspect="spatial", upstream={"subject": "current", "scene": "corrected"})
    still = facts(aspect="spatial", upstream={"subject": "current", "scene": "current"})
    assert figure("stale_spatial", both, still, facts(aspect="spatial")) == (1, 2)


def test_an_error_in_a_perfect_draft_is_counted_by_the_rating_that_was_reviewed() -> None:
    missed = facts(status="corrected", rating=3, first_rating=5, rejected=True, author="bo")
    assert figure("perfect_rejected", missed, facts(first_rating=5), facts()) == (1, 2)
    assert figure("corrected_by_reviewer", missed, facts()) == (1, 1)


def test_a_clip_counts_as_whole_only_with_all_five_aspects() -> None:
    aspects = ("subject", "scene", "motion", "spatial", "camera")
    whole = [facts("a.0.0.mp4", aspect) for aspect in aspects]
    assert figure("clips_approved", *whole, *(facts("b.0.0.mp4", aspect) for aspect in aspects[:4])) == (1, 2)


def test_a_reviewer_is_told_with_reviews_rejections_and_own_critiques() -> None:
    items = [facts(), facts(rejected=True, author="bo"), facts(reviewer="cy")]
    bo = {"person": "bo", "reviews": 2, "rejected": 1, "critiques": 1}
    assert reviewers(items) == [bo, {"person": "cy", "reviews": 1, "rejected": 0, "critiques": 0}]


def test_an_empty_corpus_has_a_page_and_no_division_by_nothing() -> None:
    assert "–" in report_page(integrity_report("import-none", [], [], {}))


def test_nothing_that_a_corpus_says_becomes_markup() -> None:
    path = at("<script>alert(1)</script>", "camera", "review")
    row = {"path": path, "kind": "review", "aspect": "camera", "record_id": None, "reason": "missing_field"}
    page = report_page(integrity_report("import-x", [row], [facts()], {}))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page


def test_the_command_writes_the_audit_and_people_go_by_pseudonyms_that_stay(tmp_path: Path) -> None:
    settings = Settings.from_env(CHAI_HOME=str(tmp_path / "home"))
    console = Console(file=(tmp_path / "said").open("w"), width=120)
    corpus = folder_of(generated(2) | item("q.0.mp4", precaption=precaption("q.0.mp4")), tmp_path / "c")
    report = run_import(settings, console, corpus, "first", licence="CC-BY-4.0", rights="Ada Film")
    folder = tmp_path / "home" / "imports" / "first"
    assert {"report.json", "index.html", "corpus.json"} == {path.name for path in folder.iterdir()}
    assert report["status"]["camera"]["no critique"] == 1
    tables = Tables(root=settings.tables)
    assert set(tables.read("sources", "import-first")["licence"]) == {"CC-BY-4.0"}
    authors = set(tables.read("critiques", "import-first")["author"]) | set(tables.read("reviews")["author"])
    assert len(authors) == 2
    assert all(author.startswith("person-") for author in authors)
    other = folder_of(approved("z.0.mp4", user=" ADA  vogel"), tmp_path / "d")
    run_import(settings, console, other, "second")
    assert set(tables.read("critiques", "import-second")["author"]) <= authors
    kept = folder_of({at("k.0.mp4", "camera", "review"): packed(review()), **approved("k.0.mp4")}, tmp_path / "e")
    run_import(settings, console, kept, "third", keep_names=True)
    assert set(tables.read("critiques", "import-third")["author"]) == {"Ada Vogel"}


def test_a_pseudonym_depends_on_the_key_and_not_on_how_a_name_is_written() -> None:
    assert pseudonym("k", "Ada Vogel") == pseudonym("k", " ada   VOGEL") != pseudonym("l", "Ada Vogel")
    assert pseudonym("k", "Ada Vogel") != pseudonym("k", "Ada Vogl")
