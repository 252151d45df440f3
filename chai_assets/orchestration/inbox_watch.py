"""The sensor of the inbox: folders that have settled become batches.

A folder has settled when two looks found the same names, sizes, times and contents. What was seen stands in the cursor;
whether a run was made, and how it ended, is asked of Dagster, so that a lost cursor costs nothing. A run that failed is
asked for again by `retries.py`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import dagster as dg

from chai_assets.core.partitions import batch_key, batches
from chai_assets.ingestion.inbox import InboxBatch, Survey, in_short, other_files, survey
from chai_assets.orchestration.jobs import ingest

_RUNS_LOOKED_AT = 25
"""Of one batch, newest first: several times what one state of a folder leads to."""

_ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}

_MOST_LINES = 10
"""As many lines of one kind are shown in a tick; what is told does not push out everything else."""


@dataclass(frozen=True)
class Seen:
    """What a look found of a folder: stamp and fingerprint, whether two looks agreed, whether it was ingested."""

    stamp: str
    fingerprint: str
    settled: bool = False
    done: bool = False


@dataclass(frozen=True)
class Attempt:
    """A run of `ingest` on a batch: its key (empty if a person started it), and how it stands."""

    key: str
    status: dg.DagsterRunStatus


@dataclass(frozen=True)
class Step:
    """What is done about a settled batch: a run is asked for by its key, or one line says why none is."""

    ask: str = ""
    done: bool = False
    waits: str = ""
    stopped: str = ""


@dataclass
class Plan:
    """What a look leads to: runs, what is remembered of each folder, and what is told, a line each."""

    runs: list[dg.RunRequest] = field(default_factory=list)
    seen: dict[str, Seen] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def read_seen(cursor: str | None) -> dict[str, Seen]:
    """What the look before saw, by folder; a cursor that cannot be read starts over, which costs two looks."""
    try:
        return {str(name): _checked(Seen(*fields)) for name, fields in json.loads(cursor or "")["folders"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_seen(seen: Mapping[str, Seen]) -> str:
    """The cursor that holds what was seen."""
    folders = {name: [each.stamp, each.fingerprint, each.settled, each.done] for name, each in seen.items()}
    return json.dumps({"folders": folders}, separators=(",", ":"))


def look_at(folder: InboxBatch, before: Seen | None) -> Seen:
    """What is to be remembered of a folder. Its files are opened only until it has settled, and when it changes."""
    stamp = folder.stamp()
    if before and before.settled and before.stamp == stamp:
        return before
    now = Seen(stamp, folder.fingerprint())
    same = before is not None and (before.stamp, before.fingerprint) == (now.stamp, now.fingerprint)
    return replace(now, settled=same)


def next_step(key: str, attempts: Sequence[Attempt]) -> Step:
    """What to do about the batch whose run has this key, after these attempts at it, newest first."""
    own = [each for each in attempts if each.key == key]
    if any(each.status not in (*_ENDED, dg.DagsterRunStatus.NOT_STARTED) for each in attempts):
        return Step(waits="its run is under way")
    if not own or own[0].status == dg.DagsterRunStatus.NOT_STARTED:
        return Step(ask=key)  # one that was made and never handed over is handed over by the same request
    match attempts[0].status:
        case dg.DagsterRunStatus.SUCCESS:
            return Step(done=True)
        case dg.DagsterRunStatus.CANCELED:
            return Step(stopped="its run was stopped by hand; launch `ingest` for it in Dagster to go on")
    return Step(waits="its run failed; the sensor `retry_watch` says when it is asked for again")


def plan_batches(found: Survey, before: Mapping[str, Seen], attempts_at: Callable[[str], Sequence[Attempt]]) -> Plan:
    """The runs to ask for after a look at the inbox; `attempts_at` gives the runs of a batch so far, newest first."""
    plan = Plan(wrong=list(found.told))
    for folder in found.folders:
        try:
            batch = batch_key(folder.name)
        except ValueError as problem:
            plan.wrong.append(str(problem))
            continue
        if not folder.files:
            plan.wrong.append(_without_videos(folder))
            continue
        seen = plan.seen[batch] = look_at(folder, before.get(batch))
        if not seen.settled:
            plan.waiting.append(_unsettled(folder, before.get(batch)))
        elif not seen.done:
            key = f"inbox:{batch}:{folder.files}:{seen.fingerprint}"
            _take(plan, batch, next_step(key, attempts_at(batch)))
    return plan


def build_inbox_watch(inbox: str, poll_seconds: int) -> dg.SensorDefinition:
    """The sensor for this deployment's inbox, looking every so many seconds."""

    @dg.sensor(
        name="inbox_watch",
        job=ingest,
        minimum_interval_seconds=poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="New or changed folders in the inbox become batches and are ingested.",
    )
    def inbox_watch(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        instance = context.instance
        plan = plan_batches(survey(inbox), read_seen(context.cursor), lambda batch: _attempts(instance, batch))
        for line in plan.wrong[:_MOST_LINES]:
            context.log.warning(line)
        cursor = write_seen(plan.seen)
        if not plan.runs:
            context.update_cursor(cursor)
            return dg.SkipReason(_in_words(inbox, plan))
        known = set(instance.get_dynamic_partitions(batches.name or ""))
        fresh = [str(run.partition_key) for run in plan.runs if run.partition_key not in known]
        add = [batches.build_add_request(fresh)] if fresh else []
        return dg.SensorResult(plan.runs, cursor=cursor, dynamic_partitions_requests=add)

    return inbox_watch


def _checked(seen: Seen) -> Seen:
    if not isinstance(seen.stamp, str) or not isinstance(seen.fingerprint, str):
        raise TypeError("a cursor of another form")
    return seen


def _take(plan: Plan, batch: str, step: Step) -> None:
    """Puts a step into the plan."""
    seen = plan.seen[batch]
    if step.ask:
        plan.runs.append(dg.RunRequest(run_key=step.ask, partition_key=batch))
    elif step.waits:
        plan.waiting.append(f"{batch}: {step.waits}")
    elif step.stopped:
        plan.wrong.append(f"{batch}: {step.stopped}")
    plan.seen[batch] = replace(seen, done=step.done)


def _without_videos(folder: InboxBatch) -> str:
    listing = folder.listing
    if not listing.others and not listing.left_out:
        return f"{folder.name}: is empty; put videos into it"
    left = f"; left out: {in_short(f'{each.name} {each.reason}' for each in listing.left_out)}"
    return f"{folder.name}: holds no video that is taken; other files: {other_files(listing)}" + (
        left if listing.left_out else ""
    )


def _unsettled(folder: InboxBatch, before: Seen | None) -> str:
    why = "has changed since the last look" if before else "is new"
    return (
        f"{folder.name}: {why} ({folder.files} videos, {folder.bytes / 1e9:.3g} GB); it is taken once two looks in a "
        "row find it the same"
    )


def _in_words(inbox: str, plan: Plan) -> str:
    parts = [f"nothing to ingest in {inbox}"]
    if plan.waiting:
        parts.append(f"waited for: {in_short(plan.waiting, _MOST_LINES)}")
    if plan.wrong:
        parts.append(f"not taken: {in_short(plan.wrong, _MOST_LINES)}")
    return " | ".join(parts)


def _attempts(instance: dg.DagsterInstance, batch: str) -> list[Attempt]:
    about = dg.RunsFilter(job_name=ingest.name, tags={"dagster/partition": batch})
    runs = instance.get_runs(about, limit=_RUNS_LOOKED_AT)
    return [Attempt(run.tags.get("dagster/run_key", ""), run.status) for run in runs]
