"""Reads the tables and makes plans of them. The rules by which rows are decided are in `release_impact.py`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import polars as pl

from chai_assets.core.imported import own_work
from chai_assets.core.rows import NewRow
from chai_assets.planning.corrected_upstream import rest_on_corrected
from chai_assets.planning.effort import medians, priced
from chai_assets.planning.price import with_usd
from chai_assets.planning.release_impact import LABEL_COLUMNS, STATE_COLUMNS, plan, touched
from chai_assets.planning.standings_log import as_frame, latest, standing_rows
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.adoption import adopted_versions, unsettled
from chai_assets.spec.versioning.releases import order
from chai_assets.triples.join import triples_in_force
from chai_assets.workflow.item_state import Standing
from chai_assets.workflow.load import labels_by_id, standings_of
from chai_resources.captioner import CaptionerChoice
from chai_resources.tables import Tables


@dataclass(frozen=True)
class ReleasePlan:
    """What moving to a version means: the rows it changes, priced, and the batches that are behind it."""

    target: str
    rows: pl.DataFrame
    behind: list[str]
    """Batches that are worked under an older version."""
    unfinished: list[str]
    """Batches that began to move, to this version or another, and whose run did not come to its end."""
    measured: int
    """Items that the minutes are medians of."""

    def total(self, figure: str, digits: int = 1) -> float:
        """The sum of a column of figures over all rows."""
        return round(float(self.rows[figure].sum()), digits)

    def in_money(self, tables: Tables, choice: CaptionerChoice) -> "ReleasePlan":
        """The plan with `usd` and `may_usd`: what its requests will probably cost. Raises PricesRefused."""
        return replace(self, rows=with_usd(self.rows, pl.lit("draft"), tables, choice))

    @property
    def affected(self) -> list[str]:
        """Batches in which the version changes a row, or whose move is to be finished."""
        return sorted({*self.rows["batch"], *self.unfinished})

    @property
    def untouched(self) -> list[str]:
        """Batches that can adopt the version without any work."""
        return sorted(set(self.behind) - set(self.affected))


def make_plan(tables: Tables, release: SpecRelease, target: str) -> ReleasePlan:
    """The plan for moving every batch to a version, released or not. Raises SpecError."""
    states, versions = current_states(tables, release)
    spec = release.releases.read(target)
    behind = [batch for batch, version in versions.items() if order(version) < order(target)]
    states = states.filter(pl.col("batch").is_in(behind))
    aspects = touched((versions[batch] for batch in behind), release.releases, target)
    labels = tables.read("primitives", columns=LABEL_COLUMNS, where=own_work() & pl.col("aspect").is_in(aspects))
    labels = pl.concat([labels, _corrected_labels(tables, labels)])
    costs = medians(tables)
    rows = priced(plan(states, labels, versions, release.releases, target), spec, costs)
    return ReleasePlan(target, rows, behind, unsettled(tables), costs.measured)


def _corrected_labels(tables: Tables, labels: pl.DataFrame) -> pl.DataFrame:
    """The labels that corrections made of these, in the same columns."""
    corrected = sorted(set(tables.read("label_corrections", columns=["batch"])["batch"]))
    given, aspects = set(labels["label_id"]), set(labels["aspect"])
    made = (label for batch in corrected for label in labels_by_id(tables, batch).values())
    new = [row for row in made if row["label_id"] not in given and row["aspect"] in aspects]
    return pl.DataFrame([{name: row[name] for name in labels.columns} for row in new], schema=labels.schema)


def current_states(
    tables: Tables, release: SpecRelease, columns: Sequence[str] = STATE_COLUMNS
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Where every item of our own work stands, in these columns, and the version each batch is worked under.

    Batches with clips whose standings were not written yet are walked here and now.
    """
    logged = latest(tables.read("standings", columns=columns))
    counted = logged.group_by("batch").agg(pl.col("clip_id").n_unique())
    in_tables = tables.read("clips", columns=["batch", "clip_id"], where=own_work())
    clips = in_tables.group_by("batch").agg(pl.col("clip_id").n_unique())
    known, adopted = set(counted.iter_rows()), adopted_versions(tables)
    batches = sorted(clips["batch"])
    versions = {batch: adopted.get(batch, release.in_force) for batch in batches}
    unknown = sorted(batch for batch, count in clips.iter_rows() if (batch, count) not in known)
    missing = [as_frame(_walked(tables, release, batch)) for batch in unknown]
    logged = logged.filter(~pl.col("batch").is_in(unknown))
    return pl.concat([frame.select(columns) for frame in (logged, *missing)]), versions


def rows_now(tables: Tables, batch: str, items: list[Standing]) -> list[NewRow]:
    """The rows of the table `standings` as they are for a batch now, without their entry ids."""
    counted = triples_in_force(tables.read("triples", batch)).select("clip_id", "aspect", "spec_version")
    triples = {(clip, aspect): counts_for for clip, aspect, counts_for in counted.iter_rows()}
    return standing_rows(items, batch, triples)


def _walked(tables: Tables, release: SpecRelease, batch: str) -> list[NewRow]:
    return rows_now(tables, batch, standings_of(tables, release, batch))


def corrected_upstream(tables: Tables, release: SpecRelease) -> list[NewRow]:
    """Captions that rest on an upstream caption which was corrected since, with the difference, over all batches."""
    moved = latest(tables.read("standings")).filter(pl.col("moved_upstream").list.len() > 0)
    rows = []
    for batch in sorted(set(moved["batch"])):
        drafts = tables.read("drafts", batch, columns=["draft_id", "text"]).iter_rows()
        revisions = tables.read("revisions", batch, columns=["revision_id", "text"]).iter_rows()
        texts = dict([*drafts, *revisions])
        rows += [
            {"batch": batch, **asdict(stale)}
            for stale in rest_on_corrected(standings_of(tables, release, batch), texts)
        ]
    return rows
