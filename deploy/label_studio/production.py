"""Settings of Label Studio that must hold however it was started, put in place before its first request.

What is told to it through its environment stands in chai_resources/services/label_studio_server.py.
"""
# pyright: reportMissingImports=false

import sys
from pathlib import Path

# Between the two that set the user and whatever asks who it is.
OURS = ["bodies.StorableBodies", "sessions.Sessions", "guard.RoleGuard", "accounts.Accounts"]
OURS += ["accepted.AcceptedAnswers", "handbook.Handbook"]
# Runs a request again that met a locked database, which stores an annotation twice.
REPEATS_WRITES = "core.middleware.DatabaseIsLockedRetryMiddleware"


def apply() -> None:
    """Raise the settings to what production needs, and put our middleware around and within Label Studio's."""
    from django.conf import settings
    from reads import keep_lists_to_own_tasks

    _one_writer_at_a_time()
    settings.DEBUG = settings.DEBUG_MODAL_EXCEPTIONS = settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    settings.DISABLE_SIGNUP_WITHOUT_LINK = True
    settings.CSRF_FAILURE_VIEW = "responses.form_is_old"
    settings.SESSION_COOKIE_HTTPONLY = settings.CSRF_COOKIE_HTTPONLY = True
    for name in ("CommonPasswordValidator", "NumericPasswordValidator"):
        settings.AUTH_PASSWORD_VALIDATORS.append({"NAME": f"django.contrib.auth.password_validation.{name}"})
    theirs = [name for name in settings.MIDDLEWARE if name != REPEATS_WRITES]
    settings.MIDDLEWARE = ["responses.Responses", *theirs, *OURS]
    keep_lists_to_own_tasks()


def _one_writer_at_a_time() -> None:
    """Let people write to SQLite side by side: readers do not block, and writers wait for each other.

    As Django has it, a transaction that reads first and then writes fails at once when another one writes.
    """
    from django.db import connections

    database = connections.settings["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return
    # Seconds; far above the longest write, which is an import of 1,000 tasks (0.2 s).
    options = {"timeout": 30, "transaction_mode": "IMMEDIATE"}
    options["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"
    database.setdefault("OPTIONS", {}).update(options)
    connections.close_all()  # setting up has opened one already
    _keep_private(Path(database["NAME"]))


def _keep_private(file: Path) -> None:
    """Let only its owner read the database, which holds everybody's e-mail, its log and its folder."""
    for path, mode in [(file.parent, 0o700), *((each, 0o600) for each in file.parent.glob(f"{file.name}*"))]:
        try:
            path.chmod(mode)
        except PermissionError:
            print(f"{path} belongs to another user: let only Label Studio's read it (chmod {mode:o})", file=sys.stderr)
