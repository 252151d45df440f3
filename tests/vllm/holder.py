"""Opens the engine of the settings as a worker would, asks it about one clip twice, says how it went, and waits."""

import json
import time

from chai_resources.captioners.protocol import ClipMedia, Request
from chai_resources.captioners.registry import ENGINES
from chai_resources.media import Media
from chai_resources.settings import Settings

settings = Settings.from_env(CHAI_MODEL_PARALLEL="1", CHAI_MODEL_MAX_TOKENS="16")
captioner = ENGINES[settings.captioner](settings.model, Media(root=settings.media))
shown = ClipMedia("1.mp4", "video/mp4", 2.0, 25.0)
asked = [
    Request(name, f"req_{name}", "draft", f"Describe the {name}.", {}, shown, {"temperature": 0})
    for name in ("scene", "motion")
]
results = list(captioner.run(asked))
told = {
    "model": captioner.model,
    "revision": captioner.revision,
    "served": results[0].served_revision,
    "cached": [result.tokens_cached for result in results],
    "errors": [str(result.error) for result in results],
}
print(json.dumps(told), flush=True)
time.sleep(600)
