"""What the media store needs of boto3: a client, and errors told apart. What is stored is the business of `media.py`.

Imported only where a store lies under `s3://`: boto3 takes a tenth of a second to load, which a folder need not pay.
Endpoint and credentials come from the standard AWS_* variables.
"""

from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

Place = tuple[str, str]
"""Bucket and key."""

ERRORS = (ClientError, BotoCoreError, Boto3Error)
"""Everything that boto3 raises."""


def client(own_server: bool) -> Any:
    """A client of its own: boto3's shared session would keep the first credentials it saw, and is not thread-safe."""
    return boto3.Session().client(
        "s3",
        config=Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "max_attempts": 3},
            signature_version="s3v4",
            # A server of one's own has one host name, not one a bucket.
            s3={"addressing_style": "path" if own_server else "auto"},
        ),
    )


def put(s3: Any, at: Place, data: bytes, kind: str, **condition: str) -> bool:
    """Writes an object of that content type; False where a condition was given and does not hold."""
    try:
        s3.put_object(Bucket=at[0], Key=at[1], Body=data, ContentType=kind, **condition)
    except ClientError as error:
        if condition and _status(error) == 412:
            return False
        raise
    return True


def exists(s3: Any, at: Place) -> bool:
    """Whether there is such an object."""
    try:
        s3.head_object(Bucket=at[0], Key=at[1])
    except ClientError as error:
        if _status(error) == 404:
            return False
        raise
    return True


def explain(error: Exception, bucket: str) -> str:
    """What went wrong and what to do, in one line."""
    if isinstance(error, Boto3Error) and isinstance(error.__context__, ClientError):
        error = error.__context__  # a managed transfer wraps the server's answer in text
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    if code == "NoSuchBucket":
        return f"the bucket {bucket} does not exist; create it or correct the setting, then run again"
    if code in ("NoSuchKey", "404"):
        return "there is no such object; it was deleted or never stored"
    if isinstance(error, NoCredentialsError) or (isinstance(error, ClientError) and _status(error) in (401, 403)):
        return (
            f"access denied; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and their rights, then run again ({error})"
        )
    return f"the S3 server does not answer as it should; check AWS_ENDPOINT_URL and the server ({error})"


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
