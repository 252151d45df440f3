"""A run worker: one Dagster run that asks a batch's requests on the executor of its settings, then ends.

`python -m tests.executors.one_run BATCH CLIPS`. Rows go to the table `drafts` by the platform's own `ask`; what is
there already is not wanted any more, as in the loop.
"""

import sys

import dagster as dg

from chai_assets.core.ids import record_id
from chai_assets.core.partitions import batches
from chai_assets.drafting.draft import complete_draft
from chai_assets.inference.generate import Generator
from chai_assets.inference.pending import PendingRequest
from chai_resources.captioner import CaptionerChoice
from chai_resources.captioners.protocol import Request
from chai_resources.media import Media
from chai_resources.settings import Settings
from chai_resources.tables import Tables

ASPECTS = ("subject", "scene", "motion", "spatial", "camera")


def wanted(batch: str, clips: int) -> list[PendingRequest]:
    """A request for each aspect of so many clips; each has a prompt of its own, by which a server counts it."""
    found = []
    for number in range(clips):
        clip = record_id("clip", source=f"{batch}-{number}", start_ms=0, end_ms=1000)
        for aspect in ASPECTS:
            # The server answers with the prompt's end, which has to read as a caption does.
            prompt = f"Describe the {aspect} of {clip}. A bus turns into the street in the evening light."
            context = {"aspect": aspect, "statements": [f"This is {clip}."], "upstream": {}}
            request_hash = record_id("request", prompt=prompt)
            request = Request(f"{clip}/{aspect}", request_hash, "draft", prompt, context, cache_group=clip)
            base = {"batch": batch, "clip_id": clip, "aspect": aspect, "label_id": f"label of {clip}", "upstream": []}
            found.append(PendingRequest(request, {**base, "spec_version": "1.0.0", "spec_hash": "none"}))
    return found


def definitions(clips: int) -> dg.Definitions:
    """One asset that does what the stages do with a model."""

    @dg.asset(partitions_def=batches)
    def captions(
        context: dg.AssetExecutionContext, captioner: CaptionerChoice, tables: Tables, media: Media
    ) -> dg.MaterializeResult:
        batch = context.partition_key
        done = set(tables.read("drafts", batch, columns=["request_hash"])["request_hash"])
        asked = [item for item in wanted(batch, clips) if item.request.hash not in done]
        generator = Generator.in_run(context, "draft", captioner, tables, media)
        report = generator.run(asked, complete_draft)
        return dg.MaterializeResult(metadata=report.metadata())

    settings = Settings.from_env()
    resources = {"captioner": CaptionerChoice.of(settings), "tables": Tables(root=settings.tables)}
    return dg.Definitions([captions], resources={**resources, "media": Media(root=settings.media)})


def run(batch: str, clips: int) -> dg.ExecuteInProcessResult:
    """One run over the batch, in this process."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(batches.name or "", [batch])
        job = definitions(clips).resolve_implicit_global_asset_job_def()
        return job.execute_in_process(partition_key=batch, instance=instance, raise_on_error=False)


if __name__ == "__main__":
    sys.exit(0 if run(sys.argv[1], int(sys.argv[2])).success else 1)
