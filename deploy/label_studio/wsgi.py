"""Web entry of Label Studio for gunicorn, with our rules of access and the handbook around its own pages.

CHAI_PREPARE=1 first brings the database up to date, which saves a single worker from starting Django twice. With
several workers, run boot.py once before them.
"""
# pyright: reportMissingImports=false

import os

import boot
import production

boot.load()
production.apply()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db.models.signals import post_save  # noqa: E402
from ml.models import MLBackend, create_ml_webhook  # noqa: E402

# For each model server Label Studio also makes a webhook, which reports every change to it while people wait. At a
# private address that webhook is refused, and the model server with it.
post_save.disconnect(create_ml_webhook, sender=MLBackend)

if os.environ.get("CHAI_PREPARE") == "1":
    boot.prepare()

application = get_wsgi_application()
