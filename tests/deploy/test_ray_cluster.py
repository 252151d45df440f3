"""The Ray cluster's manifest names only what exists, and asks for GPUs only where they are used."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from chai_resources import settings
from chai_resources.captioners.calls.api_keys import MODEL_KEYS

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "ray"
FOREIGN = re.compile(r"(AWS|RAY|VLLM|NVIDIA)_[A-Z_]+|DO_NOT_TRACK|PATH|PIP_[A-Z_]+|PYTHONUNBUFFERED")
"""Variables of the tools themselves."""
GPU = "nvidia.com/gpu"


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    cluster = yaml.safe_load((DEPLOY / "cluster.yaml").read_text())
    assert (cluster["apiVersion"], cluster["kind"]) == ("ray.io/v1", "RayCluster")
    return cluster["spec"]


def pods(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [group["template"]["spec"] for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"])]


def test_every_variable_of_the_cluster_and_its_images_is_one_that_somebody_reads(spec: dict[str, Any]):
    ours = set(re.findall(r"CHAI_[A-Z_]+", Path(settings.__file__).read_text())) | set(MODEL_KEYS)
    named = {entry["name"] for pod in pods(spec) for each in pod["containers"] for entry in each["env"]}
    set_by_images = re.findall(r"^ENV (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    named |= {word.partition("=")[0] for line in set_by_images for word in line.split()}
    assert len(named) > 8
    assert {name for name in named if name not in ours and not FOREIGN.fullmatch(name)} == set()


def test_only_workers_hold_gpus_and_none_is_held_when_there_is_no_work(spec: dict[str, Any]):
    head, *workers = [[each["resources"] for each in pod["containers"]] for pod in pods(spec)]
    assert all(GPU not in {*resources["limits"], *resources["requests"]} for resources in head)
    assert all(each["limits"][GPU] == each["requests"][GPU] >= 1 for worker in workers for each in worker)
    for group in spec["workerGroupSpecs"]:
        assert group["replicas"] == group["minReplicas"] == 0 < group["maxReplicas"]


def test_secrets_come_from_a_secret_and_nobody_submits_without_a_token(spec: dict[str, Any]):
    for pod in pods(spec):
        for entry in (entry for each in pod["containers"] for entry in each["env"]):
            assert ("valueFrom" in entry) == (entry["name"] != "RAY_USAGE_STATS_ENABLED"), entry
            assert entry.get("value", "0") == "0", "usage statistics are off"
    assert spec["authOptions"]["mode"] == "token"
    assert spec["headGroupSpec"]["serviceType"] == "ClusterIP", "not reachable from outside"


def test_every_volume_that_is_mounted_is_there(spec: dict[str, Any]):
    for pod in pods(spec):
        mounted = {mount["name"] for each in pod["containers"] for mount in each.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in pod.get("volumes", [])}
