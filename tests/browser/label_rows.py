"""What pages show of labels, as task data, and the keys that tasks of before there was such lack."""

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

_BOTH = {"contradictions", "contradiction_lines"}
NEW = {
    "critique": {"labels", "label_texts", "denied", *_BOTH},
    "review": {"facts", "corrections", "label_stands", *_BOTH},
}
