"""The sensor that watches the people file: what it says holds within one poll.

It closes and opens accounts itself, and asks for runs of the batches whose open tasks must go to others.
"""

import hashlib

import dagster as dg

from chai_assets.annotation.hand_on import batches_to_hand_on
from chai_assets.annotation.resource import AnnotationTasks
from chai_assets.core.ids import canonical_json
from chai_assets.core.partitions import batches
from chai_assets.orchestration.jobs import advance
from chai_resources.people import People
from chai_resources.tables import Tables


def digest_of(people: People) -> str:
    """What accounts and open tasks depend on, as a short text: people, their addresses and roles."""
    said = [[person.id, *person.emails, sorted(person.roles)] for person in people.everyone]
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()[:16]


def build_people_watch(poll_seconds: int) -> dg.SensorDefinition:
    """The sensor, for this deployment's polling interval in seconds."""

    @dg.sensor(
        name="people_watch",
        job=advance,
        minimum_interval_seconds=poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="The people file changed: accounts are opened and closed, and open tasks handed on.",
    )
    def people_watch(
        context: dg.SensorEvaluationContext, tables: Tables, annotation_tasks: AnnotationTasks
    ) -> dg.SensorResult | dg.SkipReason:
        people = annotation_tasks.people
        digest = digest_of(people)
        if context.cursor == digest:
            return dg.SkipReason("the people file says what it said at the last look")
        closed = annotation_tasks.hold_accounts()
        if closed:
            context.log.info(f"{len(closed)} accounts closed: the people file does not have them")
        known = set(context.instance.get_dynamic_partitions(batches.name or ""))
        # Without a key: the file may come to say again what it said before, and a used key would ask for nothing.
        runs = [
            dg.RunRequest(partition_key=batch, tags={"dagster/priority": "10"})
            for batch in batches_to_hand_on(tables, people)
            if batch in known
        ]
        return dg.SensorResult(run_requests=runs, cursor=digest)

    return people_watch
