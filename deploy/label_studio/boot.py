"""Loads Label Studio's Django from its wheel and brings its database up to date.

`python boot.py` migrates the database and makes the service account that the environment names, if it names one.
Where there are several workers, run it once as a job before they start. The web entry is wsgi.py.
"""
# pyright: reportMissingImports=false

import importlib.util
import os
import sys
from pathlib import Path


def load() -> None:
    """Set up Django in this process, whose files nobody else may read from then on.

    With Label Studio's own settings module: another one fails, since it reads itself on import.
    """
    os.umask(0o077)
    spec = importlib.util.find_spec("label_studio")
    if spec is None or spec.origin is None:
        raise SystemExit("label-studio is not installed here: make its environment with `make setup`")
    sys.path.insert(0, str(Path(spec.origin).parent))
    os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings.label_studio"
    import django

    django.setup()


def prepare() -> None:
    """Apply the migrations that are missing, and make or correct the service account. Safe to repeat."""
    import accepted
    from django.core.management import call_command
    from label_studio.server import is_database_synchronized

    if not is_database_synchronized("default"):
        call_command("migrate", "--no-color", verbosity=0)
    accepted.prepare()
    email = os.environ.get("LABEL_STUDIO_USERNAME")
    if email:
        _service_account(email, os.environ["LABEL_STUDIO_PASSWORD"], os.environ["LABEL_STUDIO_USER_TOKEN"])


def _service_account(email: str, password: str, token: str) -> None:
    """Make or correct the one superuser. Label Studio's own `init` ignores a changed token or password."""
    from organizations.models import Organization
    from rest_framework.authtoken.models import Token
    from users.models import User

    user = User.objects.filter(email=email).first() or User.objects.create_superuser(email, password)
    if not user.check_password(password):
        user.set_password(password)
    user.is_staff = user.is_superuser = True
    organization = Organization.objects.first()
    if organization is None:
        organization = Organization.create_organization(created_by=user, title="CHAI")
    organization.add_user(user)
    user.active_organization = organization
    user.save()
    organization.jwt.legacy_api_tokens_enabled = True  # off by default; chai's token is of this kind
    organization.jwt.save()
    if not Token.objects.filter(user=user, key=token).exists():
        Token.objects.filter(user=user).delete()
        Token.objects.create(user=user, key=token)


if __name__ == "__main__":
    load()
    prepare()
