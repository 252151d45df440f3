"""CameraBench's own labels as labels of ours: what each of them says of our primitives. Pure but for the mapping file.

`camerabench_labels.yaml` says which labels mean a primitive of ours. What the benchmark does not say of a primitive is
left out: nobody looked.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from chai_assets.importing.labels import CorpusLabels
from chai_assets.spec.compile import ABSENT, PRESENT

MAPPING = Path(__file__).with_name("camerabench_labels.yaml")


class LabelMapping(BaseModel):
    """What the mapping file says; its comments explain each part."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    labels: dict[str, tuple[str, ...]]
    """The benchmark's labels that mean a primitive of ours, by primitive."""
    stronger: dict[str, str]
    looked_for_beside: str
    looked_for: tuple[str, ...]


@cache
def label_mapping() -> LabelMapping:
    """The mapping that comes with the platform."""
    return LabelMapping.model_validate(yaml.safe_load(MAPPING.read_text(encoding="utf-8")))


def as_ours(labels: CorpusLabels) -> CorpusLabels:
    """The labels of each clip by our primitives; a clip of which nothing of ours is said is left out.

    The digest is one of the mapping, too: labels that are read otherwise are other labels.
    """
    states = {clip: our_states(said, label_mapping()) for clip, said in labels.states.items()}
    digest = hashlib.sha256(labels.sha256.encode() + MAPPING.read_bytes()).hexdigest()
    kept = defaultdict(dict, {clip: said for clip, said in states.items() if said})
    return CorpusLabels(labels.name, digest, kept, labels.bad)


def our_states(said: Mapping[str, str], mapping: LabelMapping) -> dict[str, str]:
    """The states of our primitives that follow from a clip's labels."""
    found: dict[str, str] = {}
    looked = mapping.looked_for_beside in said
    for primitive, names in mapping.labels.items():
        states = [said.get(name) for name in names]
        if PRESENT in states:
            found[primitive] = PRESENT
        elif set(states) == {ABSENT} and (looked or primitive not in mapping.looked_for):
            found[primitive] = ABSENT
    for weaker, stronger in mapping.stronger.items():
        if found.get(stronger) == PRESENT:
            found[weaker] = ABSENT
    return found
