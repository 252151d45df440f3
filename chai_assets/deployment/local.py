"""One local deployment: Label Studio, Dagster's code server, web server and daemon, started and stopped together.

A supervisor starts again what dies (`supervisor.py`).

`make up` and `make demo` come through here; how a single process is started and watched does not belong here.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import requests

from chai_assets.deployment.provision import Login, provision
from chai_assets.preview.server import refuse
from chai_resources.captioners.calls.api_keys import MODEL_KEYS
from chai_resources.environment import (
    CHECKOUT,
    CODE_PORT,
    DAGSTER_PORT,
    LABEL_STUDIO_TOKEN,
    PRACTICE_MODEL_PORT,
    PREVIEW_URL,
    child_environment,
    label_studio_token,
    secret,
)
from chai_resources.label_studio import LabelStudio
from chai_resources.people import load_people
from chai_resources.services import processes
from chai_resources.services.label_studio_server import LABEL_STUDIO_VENV, label_studio_service, start_label_studio
from chai_resources.services.processes import Say, Service, ServiceFailed
from chai_resources.services.secrets import home_secrets, keep_private
from chai_resources.settings import Settings

PRACTICE_MODEL = "practice-model"
PREVIEW = "preview"
SUPERVISOR = "supervisor"
NAMES = (SUPERVISOR, "dagster-daemon", "dagster-webserver", "dagster-code", PREVIEW, "label-studio")


@dataclass(frozen=True)
class Running:
    """A deployment that is up."""

    settings: Settings
    label_studio: LabelStudio
    logins: list[Login]


def dagster_home(settings: Settings) -> Path:
    """DAGSTER_HOME of this deployment, with the checkout's dagster.yaml in it."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(CHECKOUT / "dagster.yaml", home / "dagster.yaml")
    return home


def environment(settings: Settings) -> dict[str, str]:
    """Environment of every process that loads the definitions: settings, Label Studio's token, DAGSTER_HOME."""
    own = {
        LABEL_STUDIO_TOKEN: token(settings),
        "DAGSTER_HOME": str(dagster_home(settings)),
        "PYTHONPATH": str(CHECKOUT),
        # Only what loads the definitions may ask models.
        **{name: value for name in MODEL_KEYS if (value := secret(name))},
    }
    return child_environment({**settings.as_env(), **own})


def token(settings: Settings) -> str:
    """Label Studio's service token: the environment's if set, else the one made for this home."""
    return label_studio_token() or home_secrets(settings.home)["label_studio_token"]


def require_extra(extra: str, needed_by: str, *modules: str) -> None:
    """Raises ServiceFailed where an extra of this package is not installed, with the command that installs it."""
    if missing := [module for module in modules if find_spec(module) is None]:
        raise ServiceFailed(
            f"{needed_by} needs the extra `{extra}` ({', '.join(missing)} not installed): pip install 'chai[{extra}]'"
        )


def up(settings: Settings, say: Say, supervise: bool = True) -> Running:
    """Starts whatever of the deployment does not run, makes it ready for work, and returns the log-ins.

    `supervise`: a supervisor in the background keeps it running. It is started anew, with these settings.

    Raises ServiceFailed (an extra that is not installed, a taken port, a service that ends), PeopleFileError,
    LabelStudioDown, and ModelRefused where previews are asked for and the model cannot give any.
    """
    if settings.executor.name == "ray":
        require_extra("ray", "CHAI_EXECUTOR=ray", "dagster_ray")
    if settings.preview:
        refuse(settings)
    prepare(settings)
    load_people(settings.people)  # before anything starts: a slip in the file is told at once
    watched = processes.stop(settings.home, SUPERVISOR)  # it would start again what is started here
    try:
        ready = _start_all(settings, say)
    except BaseException:
        if watched:
            processes.start(settings.home, supervisor_service(settings), say)
        raise
    if supervise:
        processes.start(settings.home, supervisor_service(settings), say)
    return Running(settings, label_studio_of(settings), ready)


def _start_all(settings: Settings, say: Say) -> list[Login]:
    dagster = dagster_services(settings)
    for name in NAMES:
        if not processes.running(settings.home, name):
            processes.stop(settings.home, name)  # what one that died left behind may hold its port
    for service in dagster:
        if service.port and not processes.running(settings.home, service.name):
            processes.require_free_port(service.port, service.name, service.port_variable)
    if _is_local(settings.label_studio_url):
        say("Label Studio")
        port = urlsplit(settings.label_studio_url).port or 80
        start_label_studio(settings.home, port, settings.media, say, local_models=settings.preview)
    if settings.preview and _is_local(settings.preview_url):
        say("previews")
        processes.start(settings.home, preview_service(settings), say)
    ready = logins(settings, say, settings.preview_url if settings.preview else "")
    if not settings.preview:
        processes.stop(settings.home, PREVIEW)
    say("Dagster")
    for service in dagster:
        if service.name == "dagster-daemon":
            # A daemon that finds the code server not ready remembers that, and drops the first runs.
            _wait_for_definitions(settings)
        processes.start(settings.home, service, say)
    return ready


def logins(settings: Settings, say: Say = lambda _: None, preview_url: str | None = None) -> list[Login]:
    """Everybody's log-in, after bringing Label Studio in line with the pages and the people file.

    `preview_url` connects the critique page to that server of previews; empty disconnects it, None changes nothing.
    """
    people = load_people(settings.people)
    return provision(label_studio_of(settings), settings.media, people, settings.home, say, preview_url)


def label_studio_of(settings: Settings) -> LabelStudio:
    return LabelStudio(url=settings.label_studio_url, token=token(settings))


def _wait_for_definitions(settings: Settings, timeout: float = 120) -> None:
    """Waits until the web server has loaded the definitions. Raises ServiceFailed with what keeps it from that."""
    deadline, problem = time.monotonic() + timeout, "the code server does not answer"
    while time.monotonic() < deadline:
        answer = requests.post(f"{settings.dagster_url}/graphql", json={"query": _LOCATIONS}, timeout=30).json()
        for entry in answer["data"]["workspaceOrError"].get("locationEntries", []):
            loaded = entry["locationOrLoadError"] or {}
            if loaded.get("__typename") == "RepositoryLocation":
                return
            problem = loaded.get("message", problem).strip()
        time.sleep(0.5)
    log = processes.log_path(settings.home, "dagster-code")
    raise ServiceFailed(f"Dagster could not load the definitions within {timeout:.0f} s, see {log}: {problem}")


_LOCATIONS = (
    "{workspaceOrError{... on Workspace{locationEntries{locationOrLoadError{__typename ... on PythonError{message}}}}}}"
)


def down(settings: Settings) -> list[str]:
    """Stops the deployment's processes; returns the names of those that ran."""
    return [name for name in (*NAMES, PRACTICE_MODEL) if processes.stop(settings.home, name)]


def prepare(settings: Settings) -> None:
    """Makes the folders of a new home and, where there is none, a people file to edit.

    What holds secrets or people's e-mails is for its owner only: the people file, logs, Dagster's runs, the tables.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    if not settings.inbox.startswith("s3://"):
        Path(settings.inbox).mkdir(parents=True, exist_ok=True)
    if not settings.people.exists():
        settings.people.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CHECKOUT / "deploy" / "people.example.yaml", settings.people)
    for folder in (settings.home / "run", settings.home / "dagster"):
        folder.mkdir(exist_ok=True)
        keep_private(folder)
    keep_private(settings.people)
    if not settings.tables.startswith("s3://"):
        Path(settings.tables).mkdir(parents=True, exist_ok=True)
        keep_private(Path(settings.tables))


def dagster_services(settings: Settings) -> list[Service]:
    """Dagster's three services. `dagster dev` is not used: it does not always end when it is told to."""
    env = environment(settings)
    bin_folder = Path(sys.executable).parent
    workspace = dagster_home(settings) / "workspace.yaml"
    code_port, web_port = settings.code_port, settings.dagster_port
    workspace.write_text(f"load_from:\n  - grpc_server: {{host: 127.0.0.1, port: {code_port}, location_name: chai}}\n")
    code = [str(bin_folder / "dagster"), "code-server", "start", "-m", "chai_assets.definitions"]
    web = [sys.executable, "-m", "chai_assets.deployment.web_server", "-w", str(workspace)]
    return [
        Service("dagster-code", [*code, "-h", "127.0.0.1", "-p", str(code_port)], env, "", code_port, CODE_PORT),
        Service(
            "dagster-webserver",
            web,
            env,
            f"{settings.dagster_url}/server_info",
            web_port,
            DAGSTER_PORT,
        ),
        Service("dagster-daemon", [str(bin_folder / "dagster-daemon"), "run", "-w", str(workspace)], env),
    ]


def supervisor_service(settings: Settings) -> Service:
    """The process that looks after all others."""
    return Service(SUPERVISOR, [sys.executable, "-m", "chai_assets.deployment.supervisor"], environment(settings))


def practice_model_service(settings: Settings) -> Service:
    """The model that the demo's engines ask."""
    port = settings.practice_model_port
    argv = [sys.executable, "-m", "chai_assets.demo.model_server.server", str(port)]
    url = f"http://127.0.0.1:{port}"
    return Service(PRACTICE_MODEL, argv, environment(settings), url, port, PRACTICE_MODEL_PORT, CHECKOUT)


def supervised(settings: Settings) -> Iterator[tuple[Service, Callable[[], bool], float]]:
    """Every service that may run here, whether it answers, and the seconds without an answer until it counts as hung.

    A code server passes calls on to a child, and without that one is of no use although its port answers. The others
    are slow under load before they hang.
    """
    services = dagster_services(settings)
    if _is_local(settings.label_studio_url):
        port = urlsplit(settings.label_studio_url).port or 80
        home, media = settings.home, settings.media
        services.append(label_studio_service(home, port, media, LABEL_STUDIO_VENV, settings.preview))
    if settings.preview and _is_local(settings.preview_url):
        services.append(preview_service(settings))
    services.append(practice_model_service(settings))
    for service in services:
        if service.name == "dagster-code":
            yield service, partial(_code_server_answers, service.port), 20
        else:
            yield service, partial(processes.healthy, service), 120


def _code_server_answers(port: int) -> bool:
    from dagster._core.errors import DagsterUserCodeUnreachableError
    from dagster._grpc.client import DagsterGrpcClient

    try:
        DagsterGrpcClient(port=port, host="127.0.0.1").ping("")
    except DagsterUserCodeUnreachableError:
        return False
    return True


def preview_service(settings: Settings) -> Service:
    """The server of previews; its own command runs it elsewhere."""
    port = urlsplit(settings.preview_url).port or 80
    argv = [str(Path(sys.executable).parent / "chai"), "preview"]
    return Service(PREVIEW, argv, environment(settings), f"{settings.preview_url}/health", port, PREVIEW_URL)


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "localhost"}
