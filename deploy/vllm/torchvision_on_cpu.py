"""Run once after installing: lets torchvision be imported beside a torch for CPUs.

The published torchvision is built for CUDA. Its compiled operators do not load here, and its import then fails
while it describes one of them. vLLM calls none of them; it needs their names to be declared. Drop this when
torchvision's import holds without its operators.
"""

import importlib.util
from pathlib import Path

_DECLARED = """\
import torch as _torch

_declared = _torch.library.Library("torchvision", "DEF")
_declared.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
_declared.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def declare(package: Path) -> None:
    """Puts the declarations before what describes the operators; once."""
    module = package / "_meta_registrations.py"
    text = module.read_text()
    if not text.startswith(_DECLARED):
        module.write_text(_DECLARED + text)


if __name__ == "__main__":
    found = importlib.util.find_spec("torchvision")  # finds it without importing it
    if found is None or found.origin is None:
        raise SystemExit("torchvision is not installed here")
    declare(Path(found.origin).parent)
