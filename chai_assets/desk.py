"""The desk: everything a stage needs to hand work to people and to take it back, as one resource.

It runs `collect.py` and `push.py` inside a Dagster run and reports them; the rules stand in those modules.
"""

import dagster as dg

from chai_assets.chain import Standing, TurnKind
from chai_assets.collect import Interpret, collect
from chai_assets.handing_out import HandOut
from chai_assets.push import Build, keep_tasks, push_tasks
from chai_assets.reporting import preview, table_result
from chai_assets.spec.adoption import adopted_version
from chai_assets.spec.lineage import Lineage
from chai_assets.spec.resource import SpecRelease
from chai_assets.standings import load_standings
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
        """Where every item of the batch stands."""
        return load_standings(self.tables, self.lineage(batch), batch)

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
        read = set(self.tables.read(table, batch, columns=["event_id"])["event_id"])
        quarantine = [row for row in self.tables.rows("quarantine", batch) if row["kind"] == kind]
        return table_result(
            self.tables,
            table,
            batch,
            outcome.records,
            versions_archived=outcome.versions,
            deletions_archived=outcome.deletions,
            quarantined_now=len(outcome.quarantined),
            in_quarantine=preview([row for row in quarantine if row["event_id"] not in read]),
        )

    def push(self, context: dg.AssetExecutionContext, kind: TurnKind, build: Build) -> dg.MaterializeResult:
        """Hands out the tasks of one kind that items of the run's batch wait for."""
        batch = context.partition_key
        items = self.standings(batch)
        done = push_tasks(
            kind,
            batch,
            items,
            build,
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
        states = {row["chai_key"]: row["state"] for row in self.tables.rows("tasks", batch)}
        counts = {state: list(states.values()).count(state) for state in sorted(set(states.values()))}
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(states),
                "closed_now": len(done.close),
                "given_back": len(done.give_back),
                "tasks_by_state": preview([{"state": state, "tasks": n} for state, n in counts.items()]),
            }
        )


def _full_look(context: dg.AssetExecutionContext) -> bool:
    return context.run.tags.get(FULL_LOOK_TAG) == "true"
