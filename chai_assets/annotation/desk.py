"""The desk: everything a stage needs to hand work to people and to take it back, as one resource.

It runs `collect.py` and `push.py` inside a Dagster run and reports them; the rules stand in those modules.
"""

from collections.abc import Callable
from functools import cache

import dagster as dg
import polars as pl
from pydantic import PrivateAttr

from chai_assets.annotation.collect import Interpret, collect
from chai_assets.annotation.push import Build, keep_tasks, ledger_of, push_tasks
from chai_assets.annotation.task_data import HandOut
from chai_assets.core.asset_metadata import PREVIEW_ROWS, preview, table_result
from chai_assets.spec.resource import SpecRelease
from chai_assets.spec.versioning.adoption import adopted_version
from chai_assets.spec.versioning.lineage import Lineage
from chai_assets.workflow.item_state import Standing, TurnKind
from chai_assets.workflow.load import WALKED, load_standings
from chai_resources.label_studio import LabelStudio
from chai_resources.media import Media
from chai_resources.people import People, PeopleFile
from chai_resources.tables import Tables

FULL_LOOK_TAG = "chai/full_look"
"""Run tag with which the collectors ignore their bookmarks; the nightly reconcile sets it."""


class Desk(dg.ConfigurableResource):
    """Tables, media, Label Studio, people and the specification, bundled for the human stages."""

    tables: Tables
    media: Media
    label_studio: LabelStudio
    people_file: PeopleFile
    release: SpecRelease
    _walked: tuple[tuple[object, ...], list[Standing]] | None = PrivateAttr(default=None)

    def lineage(self, batch: str) -> Lineage:
        """The specification that a batch is worked under."""
        return self.release.lineage(adopted_version(self.tables, batch, self.release.in_force))

    @property
    def people(self) -> People:
        """The team, as the people file says now."""
        return self.people_file.load()

    def clips(self, batch: str) -> dict[str, dict]:
        """Clip rows of a batch by clip id."""
        return {row["clip_id"]: row for row in self.tables.rows("clips", batch)}

    def hand_out(self, batch: str) -> HandOut:
        """Where this batch's tasks are handed out from."""
        return HandOut(self.lineage(batch).spec, self.clips(batch), self.media, self.people)

    def standings(self, batch: str) -> list[Standing]:
        """Where every item of the batch stands, to be read only: walked again once a table it rests on has changed."""
        # Versions are looked up before rows are read: what is written in between only makes the next call walk again.
        lineage = self.lineage(batch)
        made_from = (
            batch,
            lineage.spec.version,
            lineage.spec.hash,
            lineage.templates,
            *map(self.tables.version, WALKED),
        )
        if self._walked is None or self._walked[0] != made_from:
            self._walked = (made_from, load_standings(self.tables, lineage, batch))
        return self._walked[1]

    def collect(
        self, context: dg.AssetExecutionContext, kind: TurnKind, table: str, interpret: Interpret
    ) -> dg.MaterializeResult:
        """Takes back what people submitted for the run's batch; answers it cannot read are warned about."""
        batch = context.partition_key
        outcome = collect(
            kind,
            table,
            interpret,
            batch=batch,
            tables=self.tables,
            label_studio=self.label_studio,
            media=self.media,
            people=self.people,
            full_look=_full_look(context),
        )
        for row in outcome.quarantined:
            context.log.warning(f"quarantined {row['chai_key']} by {row['account']}: {row['reason']}. {row['remedy']}")
        read = self.tables.read(table, batch, columns=["event_id"])
        unread = self.tables.read("quarantine", batch).filter(pl.col("kind") == kind).join(read, "event_id", how="anti")
        return table_result(
            self.tables,
            table,
            batch,
            outcome.records,
            versions_archived=outcome.versions,
            deletions_archived=outcome.deletions,
            quarantined_now=len(outcome.quarantined),
            in_quarantine=preview(unread.head(PREVIEW_ROWS).to_dicts()),
        )

    def push(
        self, context: dg.AssetExecutionContext, kind: TurnKind, tasks: Callable[[HandOut], Build]
    ) -> dg.MaterializeResult:
        """Hands out the tasks of one kind that items of the run's batch wait for; `tasks` makes what builds them."""
        batch = context.partition_key
        items = self.standings(batch)
        # Made with the first task: mostly there is none to hand out.
        made = cache(lambda: tasks(self.hand_out(batch)))
        done = push_tasks(
            kind,
            batch,
            items,
            lambda item, turn: made()(item, turn),
            tables=self.tables,
            label_studio=self.label_studio,
            full_look=_full_look(context),
        )
        if done.unassignable:
            context.log.warning(
                f"{len(done.unassignable)} {kind} tasks have nobody independent to take them: add a reviewer "
                f"to the people file. The first: {done.unassignable[0]}"
            )
        waiting = sum(turn.kind == kind for item in items for turn in item.open_turns)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": waiting,
                "pushed": len(done.pushed),
                "reopened": len(done.reopened),
                "nobody_to_assign": len(done.unassignable),
                "label_studio": dg.MetadataValue.url(self.label_studio.project_url(kind)),
            }
        )

    def keep(self, context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Gives unreadable answers of the run's batch back to their authors, and closes what was built on."""
        batch = context.partition_key
        done = keep_tasks(batch, self.standings(batch), tables=self.tables, label_studio=self.label_studio)
        tasks = ledger_of(self.tables, batch)
        counts = tasks.group_by("state").agg(tasks=pl.len()).sort("state")
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": tasks.height,
                "closed_now": len(done.close),
                "given_back": len(done.give_back),
                "tasks_by_state": preview(counts.to_dicts()),
            }
        )


def _full_look(context: dg.AssetExecutionContext) -> bool:
    return context.run.tags.get(FULL_LOOK_TAG) == "true"
