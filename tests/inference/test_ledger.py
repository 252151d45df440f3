"""Ledger and budgets, with the real SDKs against a local server: what is booked is what the server charged."""

import pytest

from chai_assets.inference.budget import NoPrice
from chai_assets.inference.ledger import WAYS, costs
from chai_resources.captioners.calls.prices import Price, Prices, PricesRefused
from chai_resources.tables import Tables
from tests.captioners.model_server import MODELS, Book
from tests.inference.model_stage import EACH, ModelStage, wanted

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.mark.parametrize("known", [True, False], ids=["costs known", "costs guessed"])
@pytest.mark.parametrize("engine", list(MODELS))
def test_half_a_budget_stops_at_half_and_raising_it_finishes_the_rest(
    engine: str, known: bool, served: tuple[str, Book], tmp_path
):
    url, book = served
    names = [f"row-{number:02}" for number in range(40)]
    if known:
        ModelStage(engine, url, tmp_path).ask(["first"], "run-0")
    half = ModelStage(engine, url, tmp_path, budget_run=20 * EACH)
    outcome = half.ask(names, "run-1")
    assert (outcome.written, outcome.held_back, outcome.errors) == (20, 20, [])
    assert outcome.planned == pytest.approx(40 * EACH) if known else outcome.planned > 4 * 40 * EACH
    assert outcome.spent == pytest.approx(20 * EACH)
    assert half.ask(names, "run-1").written == 0, "the same run has nothing left"

    rest = ModelStage(engine, url, tmp_path, budget_run=100 * EACH).ask(names, "run-2")
    assert (rest.written, rest.held_back) == (20, 0)
    assert set(book.charged.values()) == {1}
    assert sorted(half.made) == sorted([*names, *(["first"] if known else [])])


def test_a_budget_counts_calls_that_were_perhaps_charged(served: tuple[str, Book], tmp_path):
    ModelStage("openai", served[0], tmp_path).ask(["first"], "run-0")
    served[1].faults["row-"] = ["garbage"] * 1000
    stage = ModelStage("openai", served[0], tmp_path, budget_run=12 * EACH)
    outcome = stage.ask([f"row-{n:02}" for n in range(40)], "run-1")
    assert outcome.held_back > 25, "four tries a row use it up after a few rows"
    assert served[1].calls.total() < 50


def test_answers_that_are_paid_need_no_budget(served: tuple[str, Book], tmp_path):
    names = [f"row-{number}" for number in range(5)]
    stage = ModelStage("openai", served[0], tmp_path)
    list(stage.choice.open(stage.media).run(wanted(name).request for name in names))
    poor = ModelStage("openai", served[0], tmp_path, budget_run=0.000001)
    assert poor.ask(names, "run-1").written == 5


def test_a_days_budget_counts_all_runs(served: tuple[str, Book], tmp_path):
    ModelStage("openai", served[0], tmp_path).ask(["row-0"], "run-1")
    stage = ModelStage("openai", served[0], tmp_path, budget_day=5 * EACH)
    names = [f"row-{number}" for number in range(4)]
    assert stage.ask(names[1:3], "run-2").written == 2
    many = stage.ask([f"more-{number}" for number in range(9)], "run-3")
    assert (many.written, many.held_back) == (2, 7)


def test_a_killed_run_loses_no_charge(served: tuple[str, Book], tmp_path, monkeypatch):
    stage = ModelStage("openai", served[0], tmp_path)
    names = ["a", "b", "c"]
    with monkeypatch.context() as broken:
        broken.setattr(Tables, "append_new", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            stage.ask(names, "run-1")
    assert stage.ledger.is_empty()
    again = stage.ask(names, "run-2")
    assert again.written == 3
    assert served[1].charged.total() == 3, "nothing is asked twice"
    assert len(stage.ledger) == 3
    assert again.spent == 0, "the money was spent by the run that was killed"


@pytest.mark.parametrize("engine", list(MODELS))
def test_a_batch_is_promised_when_handed_in_and_costs_half_when_fetched(
    engine: str, served: tuple[str, Book], tmp_path, monkeypatch
):
    monkeypatch.setenv("GEMINI_API_KEY", "test")
    url, book = served
    ModelStage(engine, url, tmp_path).ask(["first"], "run-0")
    names = ["a", "b", "blocked"]
    book.faults["blocked"] = ["blocked"]
    stage = ModelStage(engine, url, tmp_path, batches=True)
    for run in ("run-1", "run-2"):
        waits = stage.ask(names, run)
        assert (waits.written, waits.errors, waits.waiting, waits.spent) == (0, [], 3, 0)
        assert waits.planned == pytest.approx(3 * EACH / 2)
        assert waits.metadata()["waiting_in_batches"] == 3
    sums = costs(stage.ledger, "stage")
    assert (sums["calls"].sum(), sums["waiting"].sum()) == (1, 3)
    assert sums["promised"].sum() == pytest.approx(3 * EACH / 2)

    book.desk.end()
    fetched = stage.ask(names, "run-3")
    assert (fetched.written, len(fetched.errors), fetched.waiting) == (2, 1, 0)
    sums = costs(stage.ledger, "stage")
    assert (sums["calls"].sum(), sums["waiting"].sum()) == (4, 0), "the promises are kept"
    assert sums["cost"].sum() == pytest.approx(EACH + 2 * EACH / 2)
    assert set(stage.ledger["price_version"]) == {"7", "7 batch"}
    assert book.charged.total() == 3


@pytest.mark.parametrize("engine", list(MODELS))
@pytest.mark.parametrize("still_wanted", [["a"], []], ids=["one wanted", "none wanted"])
def test_what_nobody_wants_any_more_is_fetched_and_booked_once_and_makes_no_row(
    engine: str, still_wanted: list[str], served: tuple[str, Book], tmp_path
):
    url, book = served
    book.faults["refused"] = ["500"]
    stage = ModelStage(engine, url, tmp_path, batches=True)
    stage.ask(["a", "b", "refused"], "run-1")
    assert stage.ask(still_wanted, "run-2").errors == [], "under way still"
    assert costs(stage.ledger, "stage")["waiting"].sum() == 3
    book.desk.end()
    for run in ("run-3", "run-4"):
        outcome = stage.ask(still_wanted, run)
        assert (stage.made, outcome.errors, outcome.waiting) == (still_wanted, [], 0)
        sums = costs(stage.ledger, "stage")
        assert (sums["waiting"].sum(), sums["calls"].sum(), sums["unknown"].sum()) == (0, 3, 0)
        assert sums["cost"].sum() == pytest.approx(2 * EACH / 2)
    assert not stage.choice.ended_batches(stage.media), "no run is asked for any more"
    assert stage.ask(["b"], "run-5").written == 1
    assert (len(book.desk.batches), book.charged.total()) == (1, 2), "what was stored is not paid again"


def test_an_answer_that_a_killed_run_fetched_for_nobody_is_booked_by_the_next(
    served: tuple[str, Book], tmp_path, monkeypatch
):
    stage = ModelStage("openai", served[0], tmp_path, batches=True)
    stage.ask(["a", "b"], "run-1")
    served[1].desk.end("expired", 1)
    with monkeypatch.context() as broken:
        broken.setattr(Tables, "append_new", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            stage.ask([], "run-2")
    assert costs(stage.ledger, "stage")["waiting"].sum() == 2
    stage.ask([], "run-3")
    sums = costs(stage.ledger, "stage")
    assert (sums["waiting"].sum(), sums["unknown"].sum()) == (0, 1), "of b nothing is known but that it was handed in"
    assert sums["cost"].sum() == pytest.approx(EACH / 2)


def test_what_a_batch_is_promised_counts_against_the_days_budget_and_is_never_held_back_itself(
    served: tuple[str, Book], tmp_path
):
    ModelStage("openai", served[0], tmp_path).ask(["first"], "run-0")
    stage = ModelStage("openai", served[0], tmp_path, batches=True, budget_day=5 * EACH)
    names = [f"row-{number:02}" for number in range(20)]
    first = stage.ask(names, "run-1")
    assert (first.waiting, first.held_back) == (8, 12), "four answers' worth at half the price"
    second = stage.ask(names, "run-2")
    assert (second.waiting, second.held_back) == (8, 12)
    served[1].desk.end()
    third = stage.ask(names, "run-3")
    assert (third.written, third.held_back) == (8, 12)
    rest = ModelStage("openai", served[0], tmp_path, batches=True, budget_day=50 * EACH).ask(names, "run-4")
    assert (rest.waiting, rest.held_back) == (12, 0)
    assert [len(batch.lines) for batch in served[1].desk.batches] == [8, 12]


def test_a_budget_without_a_price_is_refused_before_any_call(served: tuple[str, Book], tmp_path):
    stage = ModelStage("openai", served[0], tmp_path, budget_run=1.0)
    (tmp_path / "prices.yaml").write_text('version: "8"\nmodels: {}\n')
    with pytest.raises(NoPrice, match="CHAI_PRICES"):
        stage.ask(["a"], "run-1")
    assert served[1].calls.total() == 0


def test_the_sums_of_every_way_add_up_to_the_ledger(served: tuple[str, Book], tmp_path):
    stage = ModelStage("openai", served[0], tmp_path)
    stage.ask(["a", "b"], "run-1")
    for by in WAYS:
        sums = costs(stage.ledger, by)
        assert (sums["calls"].sum(), sums["cost"].sum()) == (2, pytest.approx(2 * EACH))


def test_the_longest_start_of_a_models_name_decides_its_price(tmp_path):
    prices = Prices(
        "1", {"gpt-4.1": Price(input=1, cached=0, output=1), "gpt-4.1-mini": Price(input=2, cached=0, output=2)}
    )
    assert prices.of("gpt-4.1-mini-2025-04-14") == Price(input=2, cached=0, output=2)
    assert prices.of("gpt-4o-2024-08-06") is None
    assert Prices.load().of("gemini-2.5-flash-001") is not None
    assert Price(input=2, cached=1, output=4).cost(1_000_000, 400_000, 500_000) == pytest.approx(1.2 + 0.4 + 2)
    (tmp_path / "bad.yaml").write_text("models: {a: {input: -1}}")
    with pytest.raises(PricesRefused, match=r"bad\.yaml"):
        Prices.load(tmp_path / "bad.yaml")
