"""Annotation tasks as a resource: hands work out to people through Label Studio, and takes back what they submit.

It runs `collect.py` and `push.py` inside a Dagster run and reports what they did; the rules stand in those modules.
"""

from collections.abc import Callable
from functools import cache

import dagster as dg
import polars as pl

from chai_assets.annotation.collect import ReadAnswer, collect
from chai_assets.annotation.hand_on import hand_on_tasks
from chai_assets.annotation.push import AssignedTask, BuildTask, push_tasks, task_ledger, update_states
from chai_assets.annotation.task_data import TaskContext
from chai_assets.core.asset_metadata import PREVIEW_ROWS, preview, table_result
from chai_assets.workflow.item_state import AnyTurn, Standing
from chai_assets.workflow.records import TaskKind
from chai_assets.workflow.resource import Workflow
from chai_resources.label_studio import LabelStudio
from chai_resources.people import People, PeopleFile

FULL_LOOK_TAG = "chai/full_look"
"""Run tag with which the collectors ignore their bookmarks; the nightly reconcile sets it."""


class AnnotationTasks(dg.ConfigurableResource):
    """Label Studio and the people who work in it, for the stages that wait for people."""

    label_studio: LabelStudio
    people_file: PeopleFile

    @property
    def people(self) -> People:
        """The team, as the people file says now."""
        return self.people_file.load()

    def hold_accounts(self) -> list[str]:
        """Opens and closes Label Studio's accounts as the people file says now; e-mails closed by it."""
        return self.label_studio.hold_accounts_to(self.people.roles_by_email)[1]

    def task_context(self, workflow: Workflow, batch: str) -> TaskContext:
        """What this batch's tasks are made from."""
        return TaskContext(workflow.lineage(batch).spec, workflow.clips(batch), workflow.media, self.people)

    def collect(
        self,
        context: dg.AssetExecutionContext,
        workflow: Workflow,
        kind: TaskKind,
        table: str,
        read_answer: ReadAnswer,
    ) -> dg.MaterializeResult:
        """Takes back what people submitted for the run's batch; answers it cannot read are warned about."""
        batch = context.partition_key
        outcome = collect(
            kind,
            table,
            read_answer,
            batch=batch,
            tables=workflow.tables,
            label_studio=self.label_studio,
            media=workflow.media,
            people=self.people,
            full_look=_full_look(context),
        )
        for row in outcome.quarantined:
            context.log.warning(f"quarantined {row['chai_key']} by {row['account']}: {row['reason']}. {row['remedy']}")
        read = workflow.tables.read(table, batch, columns=["event_id"])
        unread = (
            workflow.tables.read("quarantine", batch).filter(pl.col("kind") == kind).join(read, "event_id", how="anti")
        )
        return table_result(
            workflow.tables,
            table,
            batch,
            outcome.records,
            versions_archived=outcome.versions,
            deletions_archived=outcome.deletions,
            quarantined_now=len(outcome.quarantined),
            in_quarantine=preview(unread.head(PREVIEW_ROWS).to_dicts()),
        )

    def push(
        self,
        context: dg.AssetExecutionContext,
        workflow: Workflow,
        turn_type: type[AnyTurn],
        builder: Callable[[TaskContext], BuildTask[AnyTurn]],
    ) -> dg.MaterializeResult:
        """Pushes the tasks of one kind that items of the run's batch wait for; `builder` makes what builds them.

        Those of people who may no longer do them go to others first.
        """
        batch = context.partition_key
        items = workflow.standings(batch)
        kind = turn_type.kind
        # Made with the first task: mostly there is none to push.
        made = cache(lambda: builder(self.task_context(workflow, batch)))

        def build(item: Standing, turn: AnyTurn) -> AssignedTask | None:
            return made()(item, turn)

        passed = hand_on_tasks(
            turn_type,
            batch,
            items,
            build,
            tables=workflow.tables,
            label_studio=self.label_studio,
            people=self.people,
        )
        done = push_tasks(
            turn_type,
            batch,
            items,
            build,
            tables=workflow.tables,
            label_studio=self.label_studio,
            media=workflow.media,
            full_look=_full_look(context),
        )
        unassignable = done.unassignable + passed.unassignable
        if unassignable:
            context.log.warning(
                f"{len(unassignable)} {kind} tasks have nobody independent to take them: add a reviewer "
                f"to the people file. The first: {unassignable[0]}"
            )
        if passed.kept:
            context.log.warning(
                f"{len(passed.kept)} {kind} tasks stay with people who may no longer do them or were relieved of "
                "them, since they hold an answer that could not be read: add the person to the people file again, or "
                f"delete the answer in Label Studio, and the task goes to somebody else. The first: {passed.kept[0]}"
            )
        waiting = sum(turn.kind == kind for item in items for turn in item.open_turns)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": waiting,
                "pushed": len(done.pushed),
                "reopened": len(done.reopened),
                "handed_on": len(passed.passed),
                "nobody_to_assign": len(unassignable),
                "label_studio": dg.MetadataValue.url(self.label_studio.project_url(kind)),
            }
        )

    def close(self, context: dg.AssetExecutionContext, workflow: Workflow) -> dg.MaterializeResult:
        """Gives unreadable answers of the run's batch back to their authors, and closes what was built on.

        Label Studio's accounts are held to the people file as well: a run comes at least every night.
        """
        batch = context.partition_key
        self.hold_accounts()
        done = update_states(batch, workflow.standings(batch), tables=workflow.tables, label_studio=self.label_studio)
        tasks = task_ledger(workflow.tables, batch)
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
