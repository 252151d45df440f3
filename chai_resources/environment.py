"""The only module that reads the environment of this process: the variables as they are, secrets, what children get.

What is a setting of the platform, and what its value means, is said in `settings.py`. Secrets are no settings: they
are read by name where they are used, and enter no configuration.
"""

import os
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
"""The folder that holds both packages, `deploy/` and `dagster.yaml`."""

PREFIX = "CHAI_"
DAGSTER_PORT = "CHAI_DAGSTER_PORT"
CODE_PORT = "CHAI_CODE_PORT"
LABEL_STUDIO_PORT = "CHAI_LABEL_STUDIO_PORT"
PRACTICE_MODEL_PORT = "CHAI_PRACTICE_MODEL_PORT"
PREVIEW_URL = "CHAI_PREVIEW_URL"

LABEL_STUDIO_TOKEN = "CHAI_LABEL_STUDIO_TOKEN"
MODEL_KEY = "CHAI_MODEL_KEY"
POSTGRES_URL = "CHAI_POSTGRES_URL"
PSEUDONYM_KEY = "CHAI_PSEUDONYM_KEY"
SECRETS = (LABEL_STUDIO_TOKEN, MODEL_KEY, POSTGRES_URL, PSEUDONYM_KEY)
"""Variables with our prefix that hold secrets."""

_FOR_CHILDREN = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}


def own_variables() -> dict[str, str]:
    """Every variable with our prefix that has a value; one that is empty counts as not set."""
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIX) and value}


def secret(variable: str) -> str:
    """A key, by name; empty if it is not set."""
    return os.environ.get(variable, "")


def label_studio_token() -> str:
    """Service token of a Label Studio that was set up elsewhere; empty for one of this machine."""
    return secret(LABEL_STUDIO_TOKEN)


def postgres_url() -> str:
    """PostgreSQL for Dagster's own storage; empty for the embedded SQLite."""
    return secret(POSTGRES_URL)


def dagster_home() -> str:
    """Folder of the Dagster instance that this process belongs to; empty where it belongs to none."""
    return os.environ.get("DAGSTER_HOME", "")


def s3_endpoint() -> str:
    """Address of an S3 server of one's own; empty for that of AWS."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")


def s3_options() -> dict[str, str]:
    """Options for Delta tables on S3, from the standard AWS_* variables that boto3 reads by itself."""
    options = {"aws_conditional_put": "etag"}
    if endpoint := s3_endpoint():
        options |= {"aws_endpoint": endpoint, "aws_allow_http": str(endpoint.startswith("http://")).lower()}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        if value := os.environ.get(name):
            options[name.lower()] = value
    # boto3 reads only the second of the two names.
    options["aws_region"] = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return options


def child_environment(own: Mapping[str, str], *prefixes: str) -> dict[str, str]:
    """A small environment for a child: paths, language, the AWS variables, those with these prefixes, and `own`."""
    passed = ("AWS_", *prefixes)
    kept = {name: value for name, value in os.environ.items() if name in _FOR_CHILDREN or name.startswith(passed)}
    return {**kept, **own}
