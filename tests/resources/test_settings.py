"""Settings: what variables say, what is said of those that cannot be used, and who reads the environment."""

import ast
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chai_assets.cli.main import main
from chai_assets.definitions import build_defs
from chai_resources.environment import SECRETS
from chai_resources.errors import ChaiError
from chai_resources.settings import Settings
from chai_resources.variables import SettingsUnusable, as_variables, names_of

ROOT = Path(__file__).parents[2]
OTHER = {
    "CHAI_HOME": "/srv/chai",
    "CHAI_TABLES": "s3://bucket/tables",
    "CHAI_LABEL_STUDIO_PORT": "8081",
    "CHAI_BUDGET_RUN": "12.5",
    "CHAI_MODEL": "gpt-4.1-2025-04-14",
    "CHAI_MODEL_MODE": "batch",
    "CHAI_MODEL_UNPINNED": "allow",
    "CHAI_MODEL_VIDEO": "whole",
    "CHAI_MODEL_STRUCTURED": "no",
    "CHAI_MODEL_TIMEOUT": "7.5",
    "CHAI_EXECUTOR": "ray",
    "CHAI_RAY_ADDRESS": "http://head:8265/",
    "CHAI_DATASET_REVIEW": "corrected",
    "CHAI_DATASET_EDITED": "yes",
    "CHAI_PREVIEW": "on",
    "CHAI_PREVIEW_URL": "http://preview:3050/",
    "CHAI_POLISH": "yes",
    "CHAI_UPSTREAM_CORRECTED": "redo",
    "CHAI_PROMPT_CHANGED": "keep",
    "CHAI_TIMEZONE": "Europe/Berlin",
    "CHAI_CLIP_SECONDS": "0.5-30",
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CHAI_")]:
        monkeypatch.delenv(name)


def test_with_nothing_set_everything_lies_under_one_folder_and_no_model_is_asked():
    settings = Settings.from_env()
    assert settings == Settings()
    assert settings.home == ROOT / ".chai" / "work"
    assert (settings.tables, settings.people) == (str(settings.home / "tables"), settings.home / "people.yaml")
    assert (settings.captioner, settings.executor.name, settings.timezone) == ("offline", "local", "UTC")


def test_every_word_is_read_as_what_it_means():
    settings = Settings.from_env(**OTHER)
    assert (settings.tables, settings.media) == ("s3://bucket/tables", "/srv/chai/media")
    assert settings.label_studio_url == "http://127.0.0.1:8081"
    model, dataset = settings.model, settings.dataset
    assert (model.batches, model.unpinned, model.whole_video, model.structured) == (True, True, True, False)
    assert (settings.executor.name, settings.executor.address) == ("ray", "http://head:8265")
    assert (dataset.review, dataset.edited, settings.preview, settings.preview_url) == (
        "corrected",
        True,
        True,
        "http://preview:3050",
    )
    assert (settings.polish, settings.redo_upstream, settings.redraft) == (True, True, False)
    assert settings.clip_seconds == (0.5, 30.0)


@pytest.mark.parametrize("given", [{}, OTHER], ids=["none", "many"])
def test_the_variables_of_settings_say_these_settings_again(given):
    settings = Settings.from_env(**given)
    assert Settings.from_env(**settings.as_env()) == settings
    assert set(settings.as_env()) == {*names_of(Settings), "CHAI_POSTGRES_URL"}


def test_no_variable_stands_at_two_fields_or_holds_a_secret():
    names = list(names_of(Settings))
    assert len(names) == len(set(names)) == len(as_variables(Settings()))
    assert not set(names) & set(SECRETS)


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch):
    monkeypatch.setenv("CHAI_TABLES", "")
    monkeypatch.setenv("CHAI_POLL_SECONDS", "")
    assert Settings.from_env(CHAI_POLL_SECONDS="5") == Settings(poll_seconds=5)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CHAI_POLL_SECONDS", "abc", "is no whole number above 0: set one, or unset it for 30"),
        ("CHAI_POLL_SECONDS", "0", "is no whole number above 0: set one, or unset it for 30"),
        ("CHAI_BUDGET_DAY", "-1", "is no number from 0 up: set one, or unset it for 0.0"),
        ("CHAI_MODEL_FPS", "fast", "is no number above 0: set one, or unset it for 2.0"),
        ("CHAI_DATASET_REVIEW", "good", "is none of approved, corrected, unreviewed: set one of them, or unset it"),
        ("CHAI_EXECUTOR", "spark", "is none of local, ray: set one of them, or unset it"),
        ("CHAI_PREVIEW", "yes", "is none of off, on: set one of them, or unset it"),
        ("CHAI_CLIP_SECONDS", "short", "is no span of seconds: set one such as 1-20, or unset it for 1-20"),
        ("CHAI_TIMEZONE", "Berlin", "is no time zone: set a name such as Europe/Berlin, or unset it for UTC"),
        ("CHAI_TIMEZONE", "Europe", "is no time zone: set a name such as Europe/Berlin, or unset it for UTC"),
    ],
)
def test_a_value_that_cannot_be_used_ends_a_command_in_one_line(name, value, says, monkeypatch, capsys):
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["chai", "dataset", "list"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().out.strip() == f"{name}={value} {says}"


def test_all_values_that_cannot_be_used_are_named_at_once():
    with pytest.raises(SettingsUnusable, match=r"CHAI_MODEL_FRAMES=y .*; CHAI_POLL_SECONDS=x "):
        Settings.from_env(CHAI_POLL_SECONDS="x", CHAI_MODEL_FRAMES="y")


def test_a_wrong_value_on_which_defaults_rest_is_one_problem():
    with pytest.raises(ChaiError) as caught:
        Settings.from_env(CHAI_DATASET_REVIEW="good")
    assert str(caught.value).count("CHAI_") == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CHAI_POLL_SECOND", "CHAI_POLL_SECONDS"),
        ("CHAI_MODEL_PARALEL", "CHAI_MODEL_PARALLEL"),
        ("CHAI_BUGDET_RUN", "CHAI_BUDGET_RUN"),
        ("CHAI_DATASET", "CHAI_DATASETS"),
        ("CHAI_LABEL_STUDIO_TOKENS", "CHAI_LABEL_STUDIO_TOKEN"),
    ],
)
def test_a_misspelled_variable_is_refused_with_the_right_one(name, meant, monkeypatch):
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsUnusable, match=f"{name} is no setting, but nearly {meant}: rename it, or unset it"):
        Settings.from_env()


@pytest.mark.parametrize("name", ["CHAI_CORPUS", "CHAI_SERVICE_PORT", "CHAI_DAGSTER_SERVICE_PORT", "CHAI_PORT"])
def test_a_variable_that_is_like_none_of_ours_is_told_and_stops_nothing(name, monkeypatch, caplog):
    monkeypatch.setenv(name, "1")
    from chai_resources import variables

    variables._tell_unknown.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert Settings.from_env() == Settings.from_env() == Settings()
    assert [record.getMessage().split(" ")[0] for record in caplog.records] == [name]


def test_the_nightly_schedules_keep_the_time_zone_of_the_settings():
    at_home, abroad = build_defs(Settings()), build_defs(Settings.from_env(CHAI_TIMEZONE="Asia/Tokyo"))
    names = ("nightly_export", "nightly_reconcile", "nightly_maintenance")
    assert [at_home.get_schedule_def(name).execution_timezone for name in names] == ["UTC"] * 3
    assert [abroad.get_schedule_def(name).execution_timezone for name in names] == ["Asia/Tokyo"] * 3


def test_settings_are_read_without_loading_dagster():
    program = "import sys, chai_resources.settings as s; s.Settings.from_env(); sys.exit('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_one_module_reads_the_environment():
    writers = {"chai_assets/datasets/checks/validation.py", "chai_assets/deployment/run_job.py"}
    readers = set()
    for path in [*(ROOT / "chai_assets").rglob("*.py"), *(ROOT / "chai_resources").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"):
                readers.add(path.relative_to(ROOT).as_posix())
    assert readers - writers == {"chai_resources/environment.py"}
