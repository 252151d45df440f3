"""What the critique page shows of labels, as task data."""

from typing import Any

LABELS: dict[str, Any] = {
    "labels": [
        {
            "key": "travel",
            "kind": "several",
            "q": 'How does the camera travel? Agreed: truck left. In the draft: "The camera trucks left …"',
            "agreed": ["truck left"],
            "marks": [[30, 96]],
            "options": [{"value": "none"}, {"value": "truck left"}, {"value": "dolly in"}],
        }
    ],
    "label_texts": [
        {"key": "subject", "kind": "text", "q": "Who is it? Agreed: a rabbit.", "agreed": ["a rabbit"], "marks": []}
    ],
    "denied": [{"says": "dolly in", "keys": ["travel"], "pattern": r"doll(?:y|ies) in"}],
}
