"""Label Studio as a process of this deployment: its environment, its first database, its start.

How it is spoken to stands in `chai_resources/label_studio/`; what it runs besides itself, in `deploy/label_studio/`.
"""

import json
import os
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

from chai_resources.environment import CHECKOUT, LABEL_STUDIO_PORT, child_environment, s3_endpoint
from chai_resources.services.processes import Say, Service, ServiceFailed, require_free_port, runs_already, start
from chai_resources.services.secrets import home_secrets, keep_private

SERVICE_ACCOUNT = "chai@example.com"
LABEL_STUDIO_VENV = CHECKOUT / ".chai" / "label-studio-venv"
_PLAY = {"key": "ctrl+space", "mac": "ctrl+space", "description": "Play or pause"}


def start_label_studio(
    home: Path,
    port: int,
    media: str,
    say: Say = lambda _: None,
    venv: Path = LABEL_STUDIO_VENV,
    local_models: bool = False,
) -> None:
    """Start Label Studio on SQLite under <home>/label_studio: about 8 s, and once half a minute to migrate.

    `media` is the media root that pages play from: a folder or an s3:// prefix. The service account's token
    is in `home_secrets(home)`. `local_models`: the service account may connect model servers at private addresses.
    """
    if runs_already(home, "label-studio", port):
        return
    require_free_port(port, "label-studio", LABEL_STUDIO_PORT)
    if not (venv / "bin" / "gunicorn").exists():
        raise ServiceFailed(f"label-studio is not installed in {venv}: run `make setup`")
    database = home / "label_studio" / "label_studio.sqlite3"
    if not database.exists():
        copy_database(_migrated_database(venv, say), database)
    keep_private(database.parent, *database.parent.glob(f"{database.name}*"))
    start(home, label_studio_service(home, port, media, venv, local_models), say)


def label_studio_service(home: Path, port: int, media: str, venv: Path, local_models: bool = False) -> Service:
    """Label Studio under gunicorn: one worker, as SQLite has one writer, and a thread for each player."""
    known = home_secrets(home)
    environment = _label_studio_environment(home / "label_studio") | {
        "CHAI_PREPARE": "1",
        "SECRET_KEY": known["label_studio_secret_key"],
        "LABEL_STUDIO_USERNAME": SERVICE_ACCOUNT,
        "LABEL_STUDIO_PASSWORD": known["label_studio_password"],
        "LABEL_STUDIO_USER_TOKEN": known["label_studio_token"],
    }
    if endpoint := s3_endpoint():
        environment["S3_ENDPOINT"] = endpoint  # an endpoint in a storage record may not be a private address
    environment["CHAI_MEDIA"] = media  # the handbook is served from there
    if not media.startswith("s3://"):
        environment["CHAI_MEDIA"] = str(Path(media).resolve())
        environment["LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED"] = "true"
        # A storage record must lie strictly below the document root, hence the media folder's parent.
        environment["LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"] = str(Path(media).resolve().parent)
    if local_models:
        environment["LABEL_STUDIO_ML_BLOCK_LOCAL_IP"] = "false"
    gunicorn = [str(venv / "bin" / "gunicorn"), "wsgi:application", "--bind", f"127.0.0.1:{port}"]
    gunicorn += ["--workers", "1", "--worker-class", "gthread", "--threads", "16", "--timeout", "600"]
    # Task filters travel in the address, which outgrows gunicorn's default line.
    gunicorn += ["--limit-request-line", "0", "--no-control-socket"]
    return Service(
        name="label-studio",
        argv=gunicorn,
        environment=environment,
        health_url=f"http://127.0.0.1:{port}/health",
        port=port,
        port_variable=LABEL_STUDIO_PORT,
        folder=CHECKOUT / "deploy" / "label_studio",
    )


def _label_studio_environment(data: Path) -> dict[str, str]:
    """Settings of every Label Studio process. Nothing calls out; only the service account uses an API token.

    The environment is clean because Label Studio also reads bare names such as USERNAME, HOST, PORT and CI.
    """
    own = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "DJANGO_DB": "sqlite",
        "DEBUG": "false",
        "LOG_LEVEL": "WARNING",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "CORS_ALLOW_ALL_ORIGINS": "false",
        "USE_NGINX_FOR_UPLOADS": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "LATEST_VERSION_CHECK": "false",
        "COLLECT_ANALYTICS": "false",
        "FEATURE_FLAGS_OFFLINE": "true",
        # Space alone would also fire inside text fields.
        "EDITOR_KEYMAP": json.dumps({"media:playpause": _PLAY}),
        # Seconds for which an opened task is kept from others; the default is a day.
        "TASK_LOCK_TTL": "3600",
    }
    return child_environment(own)


def _migrated_database(venv: Path, say: Say) -> Path:
    """An empty, fully migrated database of the installed version, made once and kept in .chai/cache."""
    version = next(venv.glob("lib/python*/site-packages/label_studio-*.dist-info")).stem
    kept = CHECKOUT / ".chai" / "cache" / version / "label_studio.sqlite3"
    if kept.exists():
        return kept
    say("making Label Studio's database (once, about half a minute)")
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            [str(venv / "bin" / "python"), "boot.py"],
            cwd=CHECKOUT / "deploy" / "label_studio",
            env=_label_studio_environment(Path(folder)) | {"SECRET_KEY": "used for nothing but migrating"},
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise ServiceFailed(f"Label Studio's database could not be made:\n{made.stderr[-2000:]}")
        database = Path(folder) / "label_studio.sqlite3"
        with closing(sqlite3.connect(database)) as connection:
            for table in ("htx_user", "authtoken_token", "organization"):
                if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                    raise ServiceFailed(f"the fresh Label Studio database has rows in {table}: not kept")
        copy_database(database, kept)
    return kept


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database, also while it is in use, so that the target is there whole or not at all.

    What was written last may still lie in a file beside it, which a copy of the one file would leave out.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as whole, closing(sqlite3.connect(partial)) as copy:
        whole.backup(copy)
    keep_private(partial)
    partial.replace(target)
