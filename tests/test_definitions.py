"""The definitions as Dagster and its readers see them: they load anywhere, and read as the loop."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chai_assets.definitions import build_defs
from chai_resources.label_studio import LabelStudio
from chai_resources.schemas import TABLES

CHECKOUT = Path(__file__).parents[1]
STAGES = ["ingestion", "specification", "labeling", "drafting", "critique", "revision", "review", "triples", "datasets"]
STAGES += ["people", "planning", "label_studio"]

# What a reader follows with the finger: (from, to). Collectors read people's answers from Label Studio.
LOOP = {
    ("clips", "primitive_tasks"),
    ("spec", "spec_adoptions"),
    ("triples", "standings"),
    ("standings", "spec_plan"),
    ("spec_adoptions", "primitive_tasks"),
    ("label_studio_annotations", "primitives"),
    ("spec_adoptions", "primitives"),
    ("clips", "drafts"),
    ("spec_adoptions", "drafts"),
    ("primitives", "drafts"),
    ("reviews", "drafts"),
    ("drafts", "critique_tasks"),
    ("revisions", "critique_tasks"),
    ("label_studio_annotations", "critiques"),
    ("drafts", "revisions"),
    ("critiques", "revisions"),
    ("revisions", "review_tasks"),
    ("critiques", "review_tasks"),
    ("label_studio_annotations", "reviews"),
    ("reviews", "feedback_tasks"),
    ("label_studio_annotations", "feedback"),
    ("feedback", "review_tasks"),
    ("drafts", "triples"),
    ("critiques", "triples"),
    ("revisions", "triples"),
    ("reviews", "triples"),
    ("triples", "merged_captions"),
    ("triples", "dataset_candidate"),
    ("merged_captions", "dataset_candidate"),
    ("dataset_candidate", "dataset"),
    ("critiques", "scorecards"),
    ("reviews", "scorecards"),
}

WATCHED_IMPORT = """
import os, sys

touched = []

def watch(event, args):
    writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    harmless = event == "open" and str(args[0]) == os.devnull
    if (writes and not harmless) or event in ("os.mkdir", "socket.connect", "sqlite3.connect"):
        touched.append(f"{event} {args[:2]}")

sys.addaudithook(watch)
import chai_assets.definitions
print("\\n".join(touched))
"""


def run_bare(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of this environment with no variable set but PATH and those given."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    program = Path(sys.executable).parent / command[0]
    return subprocess.run(
        [str(program), *command[1:]],
        env={"PATH": path, **variables},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def graph() -> Any:
    return build_defs().resolve_asset_graph()


def test_dagster_validates_the_definitions_with_an_empty_environment() -> None:
    done = run_bare("dagster", "definitions", "validate", "-w", "workspace.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Validation successful" in done.stdout + done.stderr


def test_loading_the_definitions_writes_nothing_and_calls_nobody(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = run_bare("python", "-B", "-c", WATCHED_IMPORT, CHAI_HOME=str(home))
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == ""
    assert not home.exists()


def test_every_asset_says_what_it_is_and_whose_it_is(graph: Any) -> None:
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == set(STAGES)
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.owners, f"{key} has no owner"
        assert len(node.description or "") > 20, f"{key} has no description"


def test_assets_that_write_a_table_show_its_columns_with_their_meaning(graph: Any) -> None:
    names = {key.path[-1]: key for key in graph.get_all_asset_keys()}
    written = TABLES.keys() & names.keys()
    assert {"clips", "primitives", "drafts", "critiques", "revisions", "reviews", "triples"} <= written
    for name in written:
        schema = graph.get(names[name]).metadata["dagster/column_schema"]
        assert [column.name for column in schema.columns] == TABLES[name].schema.names
        assert all(column.description for column in schema.columns)


def test_the_graph_reads_as_the_loop(graph: Any) -> None:
    edges = {
        (parent.path[-1], key.path[-1]) for key in graph.get_all_asset_keys() for parent in graph.get(key).parent_keys
    }
    assert edges >= LOOP
    # The loop closes through people, so in the graph nothing leads back: work before its triples, answers before work.
    order = [key.path[-1] for key in graph.toposorted_asset_keys]
    assert all(order.index(parent) < order.index(child) for parent, child in edges)
    assert {child for parent, child in edges if parent == "label_studio_annotations"} == {
        "primitives",
        "critiques",
        "reviews",
        "feedback",
    }


@pytest.mark.parametrize("job", ["ingest", "adopt"])
def test_a_specification_is_adopted_and_its_handbook_published_before_tasks_link_to_it(job: str) -> None:
    assets = build_defs().resolve_job_def(job).asset_layer.executable_asset_keys
    assert {"spec_adoptions", "primitive_tasks"} <= {key.path[-1] for key in assets}


def test_what_works_on_clips_is_partitioned_by_batch_and_what_is_about_all_of_them_is_not(graph: Any) -> None:
    whole = {key.path[-1] for key in graph.get_all_asset_keys() if graph.get(key).partitions_def is None}
    assert whole == {"spec", "label_studio_annotations", "dataset_candidate", "dataset", "scorecards", "spec_plan"}


def test_a_resource_can_be_swapped_and_the_others_stay() -> None:
    other = LabelStudio(url="http://127.0.0.1:1", token="t")
    swapped = build_defs(resource_overrides={"label_studio": other}).resources or {}
    assert swapped["label_studio"] is other
    assert swapped.keys() == (build_defs().resources or {}).keys()


def test_the_token_is_named_and_not_held_by_the_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAI_LABEL_STUDIO_TOKEN", "a-secret-token")
    held = repr(build_defs().resources)
    assert "a-secret-token" not in held
    assert "CHAI_LABEL_STUDIO_TOKEN" in held
