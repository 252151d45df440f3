"""The processes of one local deployment, started in the background and stopped again.

Each has a process session of its own, and a pid file and a log in <home>/run. Only processes that this home
started are ever signalled: the pid file keeps the start time, so that a pid that was given to someone else is
left alone. Larger deployments (containers, several machines) are in deploy/ and do not come through here.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import requests

from chai_resources.errors import Unavailable

Say = Callable[[str], None]

CHECKOUT = Path(__file__).resolve().parents[1]
SERVICE_ACCOUNT = "chai@example.com"
LABEL_STUDIO_VENV = CHECKOUT / ".chai" / "label-studio-venv"
_PLAY = {"key": "ctrl+space", "mac": "ctrl+space", "description": "Play or pause"}
LABEL_STUDIO_PORT = "CHAI_LABEL_STUDIO_PORT"


class ServiceFailed(Unavailable):
    """A service could not be started; the message names it, the reason and the remedy."""


@dataclass(frozen=True)
class Service:
    """A process to keep running. `environment` is whole: nothing is inherited."""

    name: str
    argv: list[str]
    environment: dict[str, str]
    health_url: str = ""
    port: int = 0
    port_variable: str = ""
    folder: Path = field(default_factory=Path.cwd)


@dataclass(frozen=True)
class _Record:
    """What a pid file says: the session's leader, and when it started (clock ticks since boot)."""

    pid: int
    started: int
    port: int


def start(home: Path, service: Service, say: Say = lambda _: None, timeout: float = 180) -> None:
    """Start a service and wait until it is healthy; nothing to do when it runs already.

    Raises ServiceFailed when its port is taken (before anything starts), when it ends, or when it is not
    healthy within `timeout` seconds; it is stopped again then.
    """
    if runs_already(home, service.name, service.port):
        return
    if service.port:
        require_free_port(service.port, service.name, service.port_variable)
    run = home / "run"
    run.mkdir(parents=True, exist_ok=True)
    with log_path(home, service.name).open("ab") as log:
        process = subprocess.Popen(
            service.argv,
            env=service.environment,
            cwd=service.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    record = {"pid": process.pid, "started": started_at(process.pid) or 0, "port": service.port}
    _pid_file(home, service.name).write_text(json.dumps(record))
    try:
        _wait_healthy(home, service, process, say, timeout)
    except BaseException:
        stop(home, service.name)
        raise


def stop(home: Path, name: str, grace: float = 20) -> bool:
    """Ask the service to end, and kill what is left of its process session after `grace` seconds.

    Returns whether anything ran.
    """
    members = _members(home, name)
    found = bool(members)
    if members:
        _signal(members[:1], signal.SIGTERM)  # the leader, which ends its children in order
        deadline = time.monotonic() + grace
        while members and time.monotonic() < deadline:
            time.sleep(0.1)
            members = _members(home, name)
        _signal(members, signal.SIGKILL)
        while members := _members(home, name):
            time.sleep(0.05)
    _pid_file(home, name).unlink(missing_ok=True)
    return found


def running(home: Path, name: str) -> bool:
    """Whether the service's leading process, as started by this home, is alive."""
    record = _record(home, name)
    return record is not None and started_at(record.pid) == record.started


def runs_already(home: Path, name: str, port: int) -> bool:
    """Whether the service runs on this port. Raises ServiceFailed when it runs on another one."""
    record = _record(home, name)
    if record is None or not running(home, name):
        return False
    if record.port != port:
        raise ServiceFailed(
            f"{name} of {home} runs on port {record.port} and is asked for on {port}: `make down` first, or "
            "set the port it runs on"
        )
    return True


def names(home: Path) -> list[str]:
    """Services of this home that have a pid file."""
    return sorted(path.stem for path in (home / "run").glob("*.pid"))


def started_at(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when it has ended."""
    stat = _stat(pid)
    return int(stat[19]) if stat else None


def log_path(home: Path, name: str) -> Path:
    """Where a service's output goes."""
    return home / "run" / f"{name}.log"


def require_free_port(port: int, name: str, variable: str) -> None:
    """Raise ServiceFailed when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            remedy = f"stop what listens there, or set {variable} to a free port"
            raise ServiceFailed(f"{name}: port {port} is taken ({error.strerror}); {remedy}") from None


def clean_environment(**extra: str) -> dict[str, str]:
    """A small environment for a child: paths, language, the AWS variables, and `extra`."""
    kept = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}
    inherited = {key: value for key, value in os.environ.items() if key in kept or key.startswith("AWS_")}
    return {**inherited, **extra}


def home_secrets(home: Path) -> dict[str, str]:
    """Token, password and key of this home's Label Studio; made once, readable only by their owner."""
    path = home / "secrets.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    made = {
        "label_studio_token": secrets.token_hex(20),
        "label_studio_password": secrets.token_urlsafe(18),
        "label_studio_secret_key": secrets.token_urlsafe(48),
    }
    if set(made) - set(known):
        known = made | known
        _write_secrets(path, known)
    return known


def pseudonym_key(home: Path) -> str:
    """Key of the pseudonyms that imported people go by, made once and kept in <home>/secrets.json."""
    known = home_secrets(home)
    if "pseudonym_key" not in known:
        known["pseudonym_key"] = secrets.token_hex(32)
        _write_secrets(home / "secrets.json", known)
    return known["pseudonym_key"]


def password_of(home: Path, email: str) -> str:
    """Password of a person's Label Studio account, made once and kept in <home>/secrets.json."""
    known = home_secrets(home)
    name = f"password of {email.lower()}"
    if name not in known:
        known[name] = secrets.token_urlsafe(12)
        _write_secrets(home / "secrets.json", known)
    return known[name]


def start_label_studio(
    home: Path,
    port: int,
    media: str,
    say: Say = lambda _: None,
    venv: Path = CHECKOUT / ".chai/label-studio-venv",
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
        _copy_whole(_migrated_database(venv, say), database)
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
    if endpoint := os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
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
    return clean_environment(
        LABEL_STUDIO_BASE_DATA_DIR=str(data),
        DJANGO_DB="sqlite",
        DEBUG="false",
        LOG_LEVEL="WARNING",
        LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK="true",
        LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN="true",
        CORS_ALLOW_ALL_ORIGINS="false",
        USE_NGINX_FOR_UPLOADS="false",
        SENTRY_DSN="",
        FRONTEND_SENTRY_DSN="",
        LATEST_VERSION_CHECK="false",
        COLLECT_ANALYTICS="false",
        FEATURE_FLAGS_OFFLINE="true",
        # Space alone would also fire inside text fields.
        EDITOR_KEYMAP=json.dumps({"media:playpause": _PLAY}),
        # Seconds for which an opened task is kept from others; the default is a day.
        TASK_LOCK_TTL="3600",
    )


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
        with sqlite3.connect(database) as connection:
            for table in ("htx_user", "authtoken_token", "organization"):
                if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                    raise ServiceFailed(f"the fresh Label Studio database has rows in {table}: not kept")
        _copy_whole(database, kept)
    return kept


def _copy_whole(source: Path, target: Path) -> None:
    """Copy so that the target is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copyfile(source, partial)
    partial.replace(target)


def _write_secrets(path: Path, known: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file, indent=1)
    partial.replace(path)


def _wait_healthy(home: Path, service: Service, process: subprocess.Popen[bytes], say: Say, timeout: float) -> None:
    begun = told = time.monotonic()
    while True:
        if process.poll() is not None:
            raise ServiceFailed(f"{service.name} ended with code {process.returncode}:\n{_tail(home, service.name)}")
        if _healthy(service):
            return
        now = time.monotonic()
        if now - begun > timeout:
            raise ServiceFailed(
                f"{service.name} did not answer within {timeout:.0f} s ({service.health_url or service.port}); "
                f"the end of {log_path(home, service.name)}:\n{_tail(home, service.name)}"
            )
        if now - told > 5:
            say(f"waiting for {service.name} ({now - begun:.0f} s)")
            told = now
        time.sleep(0.2)


def _healthy(service: Service) -> bool:
    """Whether its health page is fine; without one, whether its port answers; without a port, always."""
    try:
        if service.health_url:
            return requests.get(service.health_url, timeout=5).ok
        if service.port:
            socket.create_connection(("127.0.0.1", service.port), timeout=5).close()
    except (requests.RequestException, OSError):
        return False
    return True


def _tail(home: Path, name: str, lines: int = 15) -> str:
    return "\n".join(log_path(home, name).read_text(errors="replace").splitlines()[-lines:])


def _pid_file(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.pid"


def _record(home: Path, name: str) -> _Record | None:
    try:
        return _Record(**json.loads(_pid_file(home, name).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _members(home: Path, name: str) -> list[int]:
    """Living processes of the service, its leader first.

    A session keeps the id of its leader, and no new process gets that id while one of them lives.
    """
    record = _record(home, name)
    if record is None or started_at(record.pid) not in (record.started, None):
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            session, started = int(stat[3]), int(stat[19])
            if session == record.pid and started >= record.started:
                found.append(int(entry.name))
    return sorted(found, key=lambda pid: pid != record.pid)


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the state on, or None when the process is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return None if fields[0] in "ZX" else fields


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
