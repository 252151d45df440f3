"""Starts a real Label Studio for tests, on a free port. Fixtures that use it belong in conftest.py."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chai_resources.services import label_studio_server, processes
from chai_resources.services.secrets import home_secrets
from tests.services.local import free_ports


@dataclass(frozen=True)
class LabelStudioHandle:
    """A running Label Studio: its address, the service account's token, and how to end it."""

    url: str
    token: str
    home: Path
    stop: Callable[[], object]


def start_label_studio(home: Path, media: str | None = None, local_models: bool = False) -> LabelStudioHandle:
    """Start Label Studio under `home`; players read from `media`, by default <home>/media.

    `local_models`: model servers on this machine may be connected.
    """
    (port,) = free_ports(1)
    label_studio_server.start_label_studio(home, port, media or str(home / "media"), local_models=local_models)
    token = home_secrets(home)["label_studio_token"]

    def stop() -> bool:
        return processes.stop(home, "label-studio")

    return LabelStudioHandle(f"http://127.0.0.1:{port}", token, home, stop)
