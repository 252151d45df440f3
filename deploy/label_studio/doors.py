"""Every address that Label Studio answers at, and who may go in: a table to read, and the rule that applies it.

A door is a route of Label Studio's URL configuration, as Django names the one that matched: no spelling of an
address gets around it. A route that is not listed is for administrators, so a new version opens nothing by itself;
a test asks that each one be decided on. What may be *written* is listed in guard.py, more narrowly.
"""

from collections.abc import Mapping
from typing import Any, Literal

Rule = Literal["everyone", "people", "task", "annotation", "draft", "clip", "file", "administrators", "nobody"]
"""`people`: whoever is logged in. `task`, `annotation`, `draft`: only one's own. `clip`, `file`: see reads.py."""

DOORS: Mapping[str, Rule] = {
    # The page itself, before anybody is logged in.
    "^$": "everyone",
    r"^sw\.js$": "everyone",
    r"^sw-fallback\.js$": "everyone",
    r"^favicon\.ico$": "everyone",
    "^label-studio-frontend/(?P<path>.*)$": "everyone",
    "^dm/(?P<path>.*)$": "everyone",
    "^react-app/(?P<path>.*)$": "everyone",
    "^static/fonts/roboto/roboto.css$": "everyone",
    "^static/(?P<path>.*)$": "everyone",
    "^user/login/": "everyone",
    "^user/signup/": "everyone",
    "^logout/?$": "everyone",
    "health/": "everyone",
    # What the labeling page and the Data Manager ask for. Lists of tasks hold one's own only.
    "^projects/": "people",
    "^projects/<int:pk>/": "people",
    "^projects/<int:pk>/data/": "people",
    "^user/account/": "people",
    "^user/account/<sub_path>": "people",
    "^api/current-user/whoami": "people",
    "^api/current-user/product-tour": "people",
    "^api/current-user/hotkeys/": "people",
    "^api/users/$": "people",
    "^api/projects/": "people",
    "^api/projects/<int:pk>/": "people",
    "^api/projects/<int:pk>/label-stream-history/": "people",
    "^api/label_links/$": "people",
    "^api/dm/views/$": "people",
    "^api/dm/columns/": "people",
    "^api/dm/project/": "people",
    "^api/dm/actions/": "people",
    "^api/ml/<int:pk>/interactive-annotating": "people",
    "^api/tasks/": "people",
    "version/": "people",
    "^api/tasks/<int:pk>/": "task",
    "^api/tasks/<int:pk>/annotations/": "task",
    "^api/tasks/<int:pk>/drafts": "task",
    "^api/tasks/<int:pk>/annotations/<int:annotation_id>/drafts": "task",
    "^api/annotations/<int:pk>/": "annotation",
    "^api/drafts/<int:pk>/": "draft",
    "^tasks/<int:task_id>/resolve/": "clip",
    "^tasks/<int:task_id>/presign/": "clip",
    "^data/local-files/": "file",
    # Closed for all: what reports to its makers or calls out, names folders and settings, or logs in past the pauses.
    "__lsa/": "nobody",
    "heidi-tips/": "nobody",
    "trigger500/": "nobody",
    "metrics/": "nobody",
    "feature-flags/": "nobody",
    "^api-auth/login/": "nobody",
    "^api-auth/logout/": "nobody",
    # Set-up of projects, and the reads of whole projects.
    "^organization/": "administrators",
    "^organization/webhooks": "administrators",
    "^people/": "administrators",
    "^models/": "administrators",
    "^projects/<int:pk>/settings/": "administrators",
    "^projects/<int:pk>/settings/<sub_path>": "administrators",
    "^projects/<int:pk>/data/import": "administrators",
    "^projects/<int:pk>/data/export": "administrators",
    "^projects/<int:project_id>/resolve/": "administrators",
    "^projects/<int:project_id>/presign/": "administrators",
    "^api/projects/counts/": "administrators",
    "^api/projects/validate/": "administrators",
    "^api/projects/<int:pk>/next/": "administrators",
    "^api/projects/<int:pk>/validate/": "administrators",
    "^api/projects/<int:pk>/summary/": "administrators",
    "^api/projects/<int:pk>/summary/reset/": "administrators",
    "^api/projects/<int:pk>/imports/<int:import_pk>/": "administrators",
    "^api/projects/<int:pk>/reimports/<int:reimport_pk>/": "administrators",
    "^api/projects/<int:pk>/tasks/": "administrators",
    "^api/projects/<int:pk>/tasks/bulk/": "administrators",
    "^api/projects/<int:pk>/sample-task/": "administrators",
    "^api/projects/<int:pk>/model-versions/": "administrators",
    "^api/projects/<int:pk>/annotators/": "administrators",
    "^api/projects/<int:pk>/import": "administrators",
    "^api/projects/<int:pk>/import/predictions": "administrators",
    "^api/projects/<int:pk>/reimport": "administrators",
    "^api/projects/<int:pk>/file-uploads": "administrators",
    "^api/": "administrators",
    "^api/dm/": "administrators",
    "api/version/": "administrators",
    "^api/templates/": "administrators",
    "^api/import/file-upload/<int:pk>": "administrators",
    "^api/tasks/<int:pk>/agreement/": "administrators",
    "^api/annotations/<int:pk>/convert-to-draft": "administrators",
    "^api/dm/actions/<str:action_id>/form/": "administrators",
    "^data/upload/<path:filename>": "administrators",
    "^storage-data/uploaded/": "administrators",
    "^data/avatars/(?P<path>.*)$": "administrators",
    "^api/current-user/reset-token/": "administrators",
    "^api/current-user/token": "administrators",
    "samples/time-series.csv": "administrators",
    "samples/paragraphs.json": "administrators",
    r"^swagger\.json$": "administrators",
    r"^swagger\.yaml$": "administrators",
    "^swagger/$": "administrators",
    "docs/": "administrators",
    "docs/api/": "administrators",
}

# Whole branches for administrators. Decided on as such: what a new version adds below them is closed as well.
BRANCHES = (
    "admin/",
    "django-rq/",
    "docs/api/schema/",
    "^api/<drf_format_suffix:format>",
    "^api/auth/export/",
    "^api/dm/<drf_format_suffix:format>",
    r"^api/dm/views\.",
    "^api/dm/views/",
    "^api/fsm/",
    "^api/invite",
    "^api/jwt/",
    "^api/label_links",
    "^api/labels",
    "^api/ml/",
    "^api/organizations/",
    "^api/predictions",
    "^api/projects/<int:pk>/export",
    "^api/session-policy/",
    "^api/storages/",
    "^api/token/",
    "^api/users",
    "^api/webhooks/",
)

# Their patterns also match in the middle of an address, such as /x/health/.
ONLY_AT = {"health/": "/health/", "version/": "/api/version/"}


def rule_of(route: str, path: str) -> Rule:
    """Who may go in at this route, asked for at this path."""
    if path != ONLY_AT.get(route, path):
        return "nobody"
    return DOORS.get(route, "administrators")


def is_decided(route: str) -> bool:
    """Whether somebody has decided who may go in at this route."""
    return route in DOORS or route.startswith(BRANCHES)


def routes(resolver: Any, before: str = "") -> list[str]:
    """Every route of a URL configuration, written as Django writes the route of a match."""
    found: list[str] = []
    for pattern in resolver.url_patterns:
        own = str(pattern.pattern)
        route = before + own.removeprefix("^") if before else own
        found += routes(pattern, route) if hasattr(pattern, "url_patterns") else [route]
    return found
