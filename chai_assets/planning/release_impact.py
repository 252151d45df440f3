"""What a new version of the specification changes: the rows to ask again, to draft again or to confirm.

Pure functions over data frames, from hashes and answers alone. Rows whose answers agree on everything that the version
touches are decided together, once, by the rules of `spec/versioning/lineage.py` that move the rows afterwards. So a
plan over a million rows is quick, and what it says is what happens. Reading the tables is in `load.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from chai_assets.spec.compile import NO_TEXT
from chai_assets.spec.models import Aspect, Attribute
from chai_assets.spec.versioning.carry import asks_the_same, means_the_same, unchanged
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.spec.versioning.releases import Releases
from chai_assets.workflow.item_state import OUT_OF_THE_LOOP

Action = Literal["ask", "draft", "wait", "confirm", "drop"]
"""ask: questions go to a person. draft: the caption is written again. wait: a draft nobody has critiqued rests on
such a caption, and is written after it. confirm: nothing to do but to count the triple under the new version.
drop: the aspect is no more; its triple is withdrawn."""

LABEL_COLUMNS = ["label_id", "chai_key", "aspect", "spec_version", "answers"]
STATE_COLUMNS = ["batch", "clip_id", "aspect", "stage", "label_id", "draft_id", "drafted_from", "draft_spec"]
STATE_COLUMNS += ["critiqued", "triple_spec"]

_DECISION = {"action": pl.String, "questions": pl.List(pl.String), "why": pl.String}
_SEPARATOR, _BETWEEN = "\x1e", "\x1f"


@dataclass(frozen=True)
class Decision:
    """What becomes of a row: an action or none, the questions it asks, and the reason in words."""

    action: Action | None
    questions: tuple[str, ...] = ()
    why: str = ""


def plan(
    states: pl.DataFrame, labels: pl.DataFrame, worked_under: Mapping[str, str], releases: Releases, target: str
) -> pl.DataFrame:
    """The rows that a version changes, with `action`, `questions` and `why`, in order of batch, clip and aspect.

    `states` are the latest rows of `standings`, `labels` those of `primitives` they name, `worked_under` the
    version that each batch is worked under. Raises SpecError.
    """
    lineage = Lineage(releases, target)
    states = states.with_columns(
        spec_version=pl.col("batch").replace_strict(worked_under, return_dtype=pl.String, default=target)
    )
    states = pl.concat([states, _new_aspects(states, lineage)])
    found = [_empty(states), _dropped(states, lineage)]
    for aspect in lineage.spec.aspects.values():
        rows = states.filter((pl.col("aspect") == aspect.id) & (pl.col("spec_version") != target))
        if rows.is_empty() or not _touched(aspect, set(rows["spec_version"]), releases):
            continue
        found.append(_plan_aspect(aspect, rows, labels.filter(pl.col("aspect") == aspect.id), releases, lineage))
    rows = pl.concat(found)
    return pl.concat([rows, _waiting(states, rows, lineage)]).sort("batch", "clip_id", "aspect")


def decide_row(state: Mapping[str, Any], label: Any, made_from: Any, lineage: Lineage, now: Lineage) -> Decision:
    """What becomes of one row under `lineage`, when its batch is worked under `now`.

    `state` is a row of `standings`, `label` its label and `made_from` the label its draft was made from, or None.
    """
    aspect = state["aspect"]
    newest = lineage.question_versions(aspect)[-1]
    asked_anew = aspect not in now.spec.aspects or newest != now.question_versions(aspect)[-1]
    if state["stage"] in OUT_OF_THE_LOOP:
        return Decision(None)
    if label is None:
        return (
            Decision("ask", (), "the questions changed before anybody answered them") if asked_anew else Decision(None)
        )
    ask = lineage.carried_answers(label).ask
    if ask and asked_anew:
        return Decision("ask", ask, "new or changed questions")
    if ask:
        return Decision(None)  # asked already, by an earlier release
    drafted = state["draft_spec"] is not None
    if drafted and made_from and not lineage.draft_still_valid({"spec_version": state["draft_spec"]}, made_from, label):
        return Decision("draft", (), "the same answers say something else now")
    if state["triple_spec"] is not None and not lineage.compatible(aspect, state["triple_spec"]):
        return Decision("confirm", (), "asks nothing and says the same")
    return Decision(None)


def _new_aspects(states: pl.DataFrame, lineage: Lineage) -> pl.DataFrame:
    """Rows of aspects that no item has yet, for every clip that is behind."""
    missing = [name for name in lineage.spec.aspects if name not in set(states["aspect"])]
    behind = states.filter(pl.col("spec_version") != lineage.spec.version)
    clips = behind.select("batch", "clip_id", "spec_version").unique(maintain_order=True)
    rows = clips.join(pl.DataFrame({"aspect": missing}, schema={"aspect": pl.String}), how="cross")
    return pl.concat([states.clear(), rows.with_columns(stage=pl.lit("labeling"))], how="diagonal")


def _dropped(states: pl.DataFrame, lineage: Lineage) -> pl.DataFrame:
    """Rows of aspects that the version no longer has."""
    gone = states.filter(
        ~pl.col("aspect").is_in(list(lineage.spec.aspects)) & (pl.col("spec_version") != lineage.spec.version)
    )
    return gone.select(*STATE_COLUMNS, *_decided("drop", "the specification has this aspect no more"))


def _decided(action: Action, why: str) -> list[pl.Expr]:
    return [
        pl.lit(action).alias("action"),
        pl.lit([], _DECISION["questions"]).alias("questions"),
        pl.lit(why).alias("why"),
    ]


def _waiting(states: pl.DataFrame, rows: pl.DataFrame, lineage: Lineage) -> pl.DataFrame:
    """Rows with a draft nobody has critiqued that rests on a caption which is written again."""
    again = rows.filter(pl.col("action") == "draft").select("clip_id", upstream="aspect")
    rests = [(aspect, name) for aspect, upstream in lineage.depends_on.items() for name in upstream]
    edges = pl.DataFrame(rests, schema={"aspect": pl.String, "upstream": pl.String}, orient="row")
    drafted = states.filter(pl.col("draft_id").is_not_null() & ~pl.col("critiqued"))
    resting = drafted.join(edges, on="aspect").join(again, on=["clip_id", "upstream"], how="semi")
    return (
        resting.unique(["clip_id", "aspect"])
        .join(rows, on=["clip_id", "aspect"], how="anti")
        .select(*STATE_COLUMNS, *_decided("wait", "rests on a caption that is written again"))
    )


def _plan_aspect(
    aspect: Aspect, rows: pl.DataFrame, labels: pl.DataFrame, releases: Releases, lineage: Lineage
) -> pl.DataFrame:
    versions = set(labels["spec_version"]) | set(rows["draft_spec"].drop_nulls()) | set(rows["spec_version"])
    olds = list(_aspects(versions, aspect.id, releases))
    texts = {a.id for each in (aspect, *olds) for a in each.attributes if a.kind == "text"}
    known = _known(labels, relevant(aspect, olds), texts)
    whole = rows.join(known, on="label_id", how="left").join(
        known.rename({"label_id": "drafted_from", "key": "from_key", "spec": "from_spec", "answered": "from_answered"}),
        on="drafted_from",
        how="left",
    )
    whole = whole.with_columns(same_asking=pl.col("key").eq_missing(pl.col("from_key")))
    deciding = ["spec_version", "set_aside", "spec", "answered", "draft_spec", "from_spec", "from_answered"]
    deciding += ["same_asking", "triple_spec"]
    whole = whole.with_columns(set_aside=pl.col("stage").is_in(OUT_OF_THE_LOOP))
    groups = whole.select(deciding).unique(maintain_order=True).with_row_index("group")
    worked = {version: Lineage(releases, version) for version in set(rows["spec_version"])}
    decisions = [_decide_group(group, aspect.id, lineage, worked) for group in groups.iter_rows(named=True)]
    decided = groups.with_columns(
        pl.Series("action", [f.action for f in decisions], pl.String),
        pl.Series("questions", [list(f.questions) for f in decisions], pl.List(pl.String)),
        pl.Series("why", [f.why for f in decisions], pl.String),
    ).filter(pl.col("action").is_not_null())
    return whole.join(decided, on=deciding, how="inner", nulls_equal=True).select(*STATE_COLUMNS, *_DECISION)


def _decide_group(group: Mapping[str, Any], aspect: str, lineage: Lineage, worked: Mapping[str, Lineage]) -> Decision:
    label = _label(group, "", aspect)
    made_from = _label(group, "from_", aspect)
    if made_from is not None and label is not None:
        made_from["chai_key"] = label["chai_key"] if group["same_asking"] else "another asking"
    state = {name: group[name] for name in ("draft_spec", "triple_spec")}
    state |= {"aspect": aspect, "stage": "set_aside" if group["set_aside"] else ""}
    return decide_row(state, label, made_from, lineage, worked[group["spec_version"]])


def _label(group: Mapping[str, Any], of: str, aspect: str) -> dict[str, Any] | None:
    """A label that gives the answers a group shares."""
    answered = group[f"{of}answered"]
    if answered is None:
        return None
    answers = [part.split(_BETWEEN) for part in answered.split(_SEPARATOR) if part]
    return {
        "label_id": f"{of}{group['group']}",
        "chai_key": "one asking",
        "aspect": aspect,
        "spec_version": group[f"{of}spec"],
        "answers": [{"attribute": name, "values": values} for name, *values in answers],
    }


def _deciding_answers(texts: Iterable[str]) -> pl.Expr:
    """Answers as far as they can decide: of a text, only whether it says something."""
    first = pl.col("values").list.first()
    says = first.str.strip_chars(" .\n\t").str.to_lowercase().is_in(sorted(NO_TEXT)).not_().fill_null(False)
    text = pl.when(says).then(pl.lit(["x"])).otherwise(pl.lit([], pl.List(pl.String)))
    return pl.when(pl.col("attribute").is_in(sorted(texts))).then(text).otherwise(pl.col("values"))


def _known(labels: pl.DataFrame, attributes: Iterable[str], texts: Iterable[str]) -> pl.DataFrame:
    """Each label with its version and, in one text, its answers to these questions, some of which are `texts`."""
    names = sorted(attributes)
    answers = (
        labels.select("label_id", "answers")
        .explode("answers")
        .unnest("answers")
        .filter(pl.col("attribute").is_in(names))
        .sort("attribute")
        .with_columns(values=_deciding_answers(texts))
        .with_columns(part=pl.concat_list(pl.col("attribute"), pl.col("values").fill_null([])).list.join(_BETWEEN))
        .group_by("label_id")
        .agg(answered=pl.col("part").str.join(_SEPARATOR))
    )
    known = labels.select("label_id", key="chai_key", spec="spec_version").unique("label_id", keep="first")
    return known.join(answers, on="label_id", how="left").with_columns(pl.col("answered").fill_null(""))


def relevant(new: Aspect, olds: Iterable[Aspect]) -> set[str]:
    """The questions whose answers can decide about a row.

    Those that changed; those that give a primitive which changed, or which such a question helps to give; and
    those by which any of them applies.
    """
    wanted: set[str] = set()
    for old in olds:
        moved = _changed_questions(old, new)
        wanted |= moved | {a.id for a in new.attributes if not _asked_alike(old, a)}
        given = {p.id: p for p in old.primitives}, {p.id: p for p in new.primitives}
        for name in given[0].keys() | given[1].keys():
            one, other = given[0].get(name), given[1].get(name)
            parts = [part for part in (one, other) if part]
            if one and other and means_the_same(one, other):
                parts = [part for part in parts if moved & part.given_by.keys()]
            else:
                parts += [side[n] for part in tuple(parts) for n in part.excludes for side in given if n in side]
            wanted |= {attribute for part in parts for attribute in part.given_by}
        for aspect in (old, new):  # attributes come after those they apply by
            for attribute in reversed(aspect.attributes):
                if attribute.id in wanted:
                    wanted |= attribute.applies_when.keys()
    return wanted


def _asked_alike(old: Aspect, attribute: Attribute) -> bool:
    return any(a.id == attribute.id and asks_the_same(a, attribute) for a in old.attributes)


def _changed_questions(old: Aspect, new: Aspect) -> set[str]:
    """Questions whose given answer may count for something else: changed or removed, and what applies by those.

    One that is new or offers more is not among them: wherever it applies it is asked, and nothing is decided.
    """
    after = {attribute.id: attribute for attribute in new.attributes}
    moved: set[str] = set()
    for before in old.attributes:
        now = after.get(before.id)
        grown = now is not None and asks_the_same(before, now.model_copy(update={"options": before.options}))
        lost = {option.id for option in before.options} - {option.id for option in now.options} if now else set()
        if now is None or not (grown and not lost):
            moved.add(before.id)
    for aspect in (old, new):
        for attribute in aspect.attributes:
            if moved & attribute.applies_when.keys():
                moved.add(attribute.id)
    return moved


def touched(worked_under: Iterable[str], releases: Releases, target: str) -> list[str]:
    """The aspects that mean something else in a version than in one of those that batches are worked under."""
    versions = set(worked_under)
    return [aspect.id for aspect in releases.read(target).aspects.values() if _touched(aspect, versions, releases)]


def _touched(aspect: Aspect, versions: set[str], releases: Releases) -> bool:
    olds = list(_aspects(versions, aspect.id, releases))
    return len(olds) < len(versions) or not all(unchanged(old, aspect) for old in olds)


def _aspects(versions: Iterable[str], aspect: str, releases: Releases) -> Iterator[Aspect]:
    for version in versions:
        found = releases.load(version).aspects.get(aspect)
        if found is not None:
            yield found


def _empty(states: pl.DataFrame) -> pl.DataFrame:
    return (
        states.clear()
        .select(STATE_COLUMNS)
        .with_columns(*(pl.lit(None, kind).alias(n) for n, kind in _DECISION.items()))
    )
