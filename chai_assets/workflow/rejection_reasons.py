"""The reasons a reviewer can give for a rejection. What follows from one is the workflow's business."""

REJECTION_REASONS = {
    "critique_inaccurate": "critique inaccurate",
    "critique_incomplete": "critique incomplete",
    "critique_not_constructive": "critique not constructive",
    "false_alarm": "false alarm",
    "model_ignored_critique": "model ignored the critique",
    "new_error_in_revision": "new error in the revision",
}
"""Why a candidate is rejected, and how the pages say it."""
