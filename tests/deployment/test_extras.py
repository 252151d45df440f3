"""What is optional is named where it is missing, with the command that installs it, before anything starts."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from chai_assets.deployment import local
from chai_assets.deployment.local import require_extra, up
from chai_resources.services.processes import ServiceFailed
from chai_resources.settings import Settings


def without(*modules: str):
    """A look-up of modules that finds none of these."""
    return lambda name: None if name in modules else find_spec(name)


def test_an_extra_that_is_there_passes() -> None:
    require_extra("demo", "chai demo", "dagster_graphql", "cv2")


def test_an_extra_that_is_missing_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "find_spec", without("cv2"))
    with pytest.raises(ServiceFailed, match=r"chai demo needs the extra `demo` \(cv2 .* pip install 'chai\[demo\]'"):
        require_extra("demo", "chai demo", "dagster_graphql", "cv2")


def test_a_deployment_does_not_start_without_the_extra_that_a_setting_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CHAI_EXECUTOR", "ray")
    monkeypatch.setattr(local, "find_spec", without("dagster_ray"))
    with pytest.raises(ServiceFailed, match="CHAI_EXECUTOR=ray needs the extra `ray`"):
        up(Settings.from_env(), lambda _: None)
    assert not (tmp_path / "home").exists()
