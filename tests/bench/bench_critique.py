"""Judging whether critiques are constructive: critiques of one core-second, each against a caption of its own.

python -m tests.bench.bench_critique [--smoke]
"""

import json
import random
import re
import sys
import time

from chai_assets.critique.prose.constructiveness import CONSTRUCTIVE, score
from tests.bench.support.measuring import load

CRITIQUES = 20_000
# As long as real ones: about 35 words of critique in a few statements, about 90 of caption.
_SAID = (
    'Please replace "walks toward the stall" with "walks away from the stall, towards the camera".',
    "The child's coat is not red; it is dark green, with a hood.",
    "How the camera moves is told inaccurately.",
    "In the middle ground a second man in a white apron carries a tray of bread from left to right.",
    "The caption fails to mention the sign above the door.",
    'Remove "in a busy street".',
    "It would be better to be more specific about the lighting.",
)
_SHOWN = (
    "from the left side of a narrow street two people walk toward a market stall",
    "the background remains in view while a child in a red coat waits near the door",
    "the shot ends on a shop with a green sign above its window",
    "a man lifts a crate from the ground and puts it on the back of a small van",
    "the camera pans slowly to the right and stays level with the awnings",
)


def run(critiques: int = CRITIQUES) -> dict[str, float]:
    """Figures by name; the captions all differ, so that none is kept from the one before."""
    dice = random.Random(7)
    made = [
        (" ".join(dice.sample(_SAID, dice.randint(2, 4))), f"Clip {number}: {', '.join(dice.choices(_SHOWN, k=6))}.")
        for number in range(critiques)
    ]
    begun = time.process_time()
    constructive = sum(score(critique, caption) >= CONSTRUCTIVE for critique, caption in made)
    took = time.process_time() - begun
    begun = time.process_time()
    for critique, caption in made:
        re.findall(r"\w+", critique)
        re.findall(r"\w+", caption)
    plain = time.process_time() - begun
    return {
        "critiques": critiques,
        "constructive": constructive,
        "critiques_per_s": critiques / took,
        "tokenised_per_s": critiques / plain,
        "load": load(),
    }


if __name__ == "__main__":
    print(json.dumps(run(*((200,) if "--smoke" in sys.argv else ()))))
