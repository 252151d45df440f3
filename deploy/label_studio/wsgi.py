"""Web entry of Label Studio for gunicorn, with the role guard and the handbook as the innermost middleware.

CHAI_PREPARE=1 migrates and makes the service account first; that is for one worker, where it saves starting
Django twice. With more workers run boot.py once before them.
"""
# pyright: reportMissingImports=false

import os

import boot

boot.load()

from django.conf import settings  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db.models.signals import post_save  # noqa: E402
from ml.models import MLBackend, create_ml_webhook  # noqa: E402

settings.MIDDLEWARE = [*settings.MIDDLEWARE, "guard.RoleGuard", "handbook.Handbook"]

# Along with a model server Label Studio makes a webhook that tells it of everything, while people wait; at a private
# address it then refuses that webhook, and the model server with it.
post_save.disconnect(create_ml_webhook, sender=MLBackend)

if os.environ.get("CHAI_PREPARE") == "1":
    boot.prepare()

application = get_wsgi_application()
