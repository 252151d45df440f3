"""Makes Label Studio ready for work: the four projects with their pages, media storage, people and their queues.

Safe to run at every start: what is there stays, what changed in a page or in the people file is brought up to date,
and whoever is no longer in the people file cannot log in any more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chai_assets.critique import page as critique_page
from chai_assets.labeling import page as labeling_page
from chai_assets.preview.protocol import PREVIEW_TITLE, PREVIEW_USER
from chai_assets.review import feedback_page
from chai_assets.review import page as review_page
from chai_assets.workflow.records import TaskKind
from chai_resources.label_studio import LabelStudio, title_of
from chai_resources.people import People, Person
from chai_resources.services.secrets import password_of


@dataclass(frozen=True)
class Page:
    """A labeling page: which project it is, what it shows, and what people are told to do there."""

    kind: TaskKind
    config: str
    instruction: str


PAGES = (
    Page(
        "primitives",
        labeling_page.config(),
        "Watch the clip, then answer every question about it. Choose <b>unsure</b> rather than guess.",
    ),
    Page(
        "critique",
        critique_page.config(),
        "Rate the caption. Below 5: mark the wrong words, say what they should be, list what is missing. "
        "You refine the critique, never the caption.",
    ),
    Page(
        "review",
        review_page.config(),
        "Check every finding against the video, add what was missed, then approve or reject.",
    ),
    Page(
        "feedback",
        feedback_page.config(),
        "A reviewer rejected your critique. Read why; ask for a regrade only where the video shows otherwise.",
    ),
)

_ROLE_PAGES: dict[str, tuple[TaskKind, ...]] = {
    "annotator": ("primitives", "critique", "feedback"),
    "reviewer": ("review",),
}


@dataclass(frozen=True)
class Login:
    """How one person gets to work: address of each queue, and the account's password."""

    person: Person
    password: str
    queues: dict[TaskKind, str]
    returned: dict[TaskKind, str]
    """Where answers that could not be read wait for their correction."""


def provision(
    label_studio: LabelStudio,
    media_root: str,
    people: People,
    home: Path,
    say: Callable[[str], None] = lambda _: None,
    preview_url: str | None = None,
) -> list[Login]:
    """Brings Label Studio up to date and returns the log-ins. Passwords are made once and kept under `home`.

    `preview_url`: the running server of previews, which the critique page is connected to; empty to disconnect it,
    None to leave it as it is.
    """
    projects: dict[TaskKind, int] = {}
    for page in PAGES:
        projects[page.kind] = label_studio.ensure_project(page.kind, title_of(page.kind), page.config, page.instruction)
        label_studio.ensure_storage(projects[page.kind], media_root)
    say(f"Label Studio has the projects {', '.join(page.kind for page in PAGES)}")
    if preview_url:
        password = password_of(home, PREVIEW_USER)
        label_studio.connect_model(projects["critique"], PREVIEW_TITLE, preview_url, PREVIEW_USER, password)
        say("the critique page shows previews of revisions")
    elif preview_url is not None:
        label_studio.disconnect_model(projects["critique"], PREVIEW_TITLE)
    logins = []
    for person in people.at_work:
        for email in person.emails:
            label_studio.ensure_person(email, password_of(home, email))
        queues: dict[TaskKind, str] = {}
        returned: dict[TaskKind, str] = {}
        kinds: list[TaskKind] = [kind for role in person.roles for kind in _ROLE_PAGES.get(role, ())]
        for kind in kinds:
            tab = label_studio.ensure_queue_tab(projects[kind], f"{person.id} to do", person.account_key)
            queues[kind] = f"{label_studio.url}/projects/{projects[kind]}/data?tab={tab}&labeling=1"
            tab = label_studio.ensure_returned_tab(projects[kind], f"{person.id} to correct", person.account_key)
            returned[kind] = f"{label_studio.url}/projects/{projects[kind]}/data?tab={tab}"
        logins.append(Login(person, password_of(home, person.email), queues, returned))
    _, closed = label_studio.hold_accounts_to(people.roles_by_email)
    if closed:
        say(f"closed, since the people file does not have them: the accounts of {', '.join(closed)}")
    say(f"{len(logins)} people have their accounts and queues")
    return logins
