"""A person's own session with Label Studio: logged in through the form, bound by the role guard's rules."""

import re
from typing import Any

from chai_resources.label_studio.api import Api
from chai_resources.label_studio.errors import LabelStudioRefused
from chai_resources.label_studio.listing import Filter, tasks_by_id
from chai_resources.people import account_key


class Annotator:
    """What a person does on the labeling pages, for the people of the demo and of tests.

    Methods raise LabelStudioRefused, with the guard's words, where the person may not do this.
    """

    def __init__(self, url: str, email: str, password: str) -> None:
        self.email = email
        self.api = Api(url)
        submit_form(self.api, "/user/login/", email, password)

    def queue(self, project_id: int) -> list[dict[str, Any]]:
        """Tasks that are assigned to this account and neither answered nor closed, oldest first: `id` and `data`."""
        mine = open_tasks_of(account_key(self.email))
        return list(tasks_by_id(self.api, project_id, mine, include="id,data"))

    def submit(self, task_id: int, result: list[dict[str, Any]], lead_time: float = 0) -> int:
        """Press Submit; returns the id of the annotation."""
        body = {"result": result, "lead_time": lead_time}
        return self.api.send("POST", f"/api/tasks/{task_id}/annotations/", body)["id"]

    def update(self, annotation_id: int, result: list[dict[str, Any]]) -> None:
        """Press Update on one's own annotation."""
        self.api.send("PATCH", f"/api/annotations/{annotation_id}/", {"result": result})


def assigned_to(account_key: str) -> list[Filter]:
    """Filters for the open tasks that are assigned to an account."""
    return [("data.assignee", "equal", "String", account_key), ("data.chai_state", "equal", "String", "open")]


def open_tasks_of(account_key: str) -> list[Filter]:
    """Filters for the open tasks that are assigned to an account and not answered yet."""
    return [*assigned_to(account_key), ("total_annotations", "equal", "Number", 0)]


def submit_form(api: Api, path: str, email: str, password: str) -> None:
    """Post a log-in or sign-up form in the api's session. Raises LabelStudioRefused when it comes back."""
    form = api.session.get(path)
    csrf = re.search(r'csrfmiddlewaretoken" value="([^"]+)', form.text)
    fields = {"email": email, "password": password, "csrfmiddlewaretoken": csrf[1] if csrf else ""}
    reply = api.session.post_form(path, fields)
    if reply.status_code != 302:  # success leads on to the first page; a refusal shows the form again
        errors = re.findall(r'class="[^"]*error[^"]*"[^>]*>\s*([^<]+)', reply.text)
        words = " ".join(text.strip() for text in errors) or "the form came back"
        raise LabelStudioRefused(f"POST {path.partition('?')[0]} as {email}", reply.status_code, words)
