"""Model servers that a project's page asks while people work."""

from typing import TYPE_CHECKING, Literal, TypedDict

from chai_resources.label_studio.api import required
from chai_resources.label_studio.errors import LabelStudioRefused

if TYPE_CHECKING:
    from label_studio_sdk.base_client import LabelStudioBase


class _ModelServer(TypedDict):
    project: int
    title: str
    url: str
    is_interactive: bool
    auth_method: Literal["BASIC_AUTH"]
    basic_auth_user: str
    basic_auth_pass: str


def connect(sdk: "LabelStudioBase", project_id: int, title: str, url: str, user: str, password: str) -> None:
    """Have the project's page ask the model server at this address, and no other of that title. It must run.

    Raises LabelStudioRefused where it does not, or is at a private address that Label Studio may not call.
    """
    server: _ModelServer = {
        "project": project_id,
        "title": title,
        "url": url,
        "is_interactive": True,
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": user,
        "basic_auth_pass": password,
    }
    there = _titled(sdk, project_id, title)
    for extra in there[1:]:
        sdk.ml.delete(extra)
    try:
        if there:
            sdk.ml.update(there[0], **server)
        else:
            sdk.ml.create(**server)
    except LabelStudioRefused as refused:
        if refused.status != 403:
            raise
        remedy = "`make down`, then `CHAI_PREVIEW=on make up`; started elsewhere it wants ML_BLOCK_LOCAL_IP=false"
        raise LabelStudioRefused(f"the server at {url}", 403, f"it may call no private address: {remedy}") from None


def disconnect(sdk: "LabelStudioBase", project_id: int, title: str) -> None:
    """Have the project's page stop asking the model server of that title, which need not run."""
    for model in _titled(sdk, project_id, title):
        sdk.ml.delete(model)


def _titled(sdk: "LabelStudioBase", project_id: int, title: str) -> list[int]:
    return [required(model.id) for model in sdk.ml.list(project=project_id) if model.title == title]
