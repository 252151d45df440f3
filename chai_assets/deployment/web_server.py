"""Dagster's web server as `make up` starts it, closed to other web pages.

Dagster's own takes mutations by GET and from any page, so any page that somebody here opens could launch runs. Nobody
logs in here either: in production a reverse proxy does that, and CHAI_DAGSTER_URL is then its address.

python -m chai_assets.deployment.web_server -w WORKSPACE [--host HOST]
"""

import argparse

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.webserver import DagsterWebserver
from starlette.types import ASGIApp

from chai_resources.services.same_origin import SameOrigin, own_hosts
from chai_resources.settings import Settings

# What `dagster-webserver` sets by default for its database: milliseconds, seconds, connections.
_STATEMENT_TIMEOUT_MS, _RECYCLE_S, _OVERFLOW = 15_000, 3600, 20


def guarded(app: ASGIApp, settings: Settings) -> SameOrigin:
    """Dagster's web application, for browsers that ask for it by its own names."""
    hosts = own_hosts(settings.dagster_port, settings.dagster_public_url)
    return SameOrigin(app, hosts, queries=["/graphql"], open_paths=["/server_info"])


def serve(settings: Settings, workspace: str, host: str) -> None:
    """Serves Dagster's UI on the port of the settings until this process is told to end."""
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _RECYCLE_S, _OVERFLOW)
        with WorkspaceProcessContext(instance, WorkspaceFileTarget(paths=[workspace])) as context:
            app = guarded(DagsterWebserver(context).create_asgi_app(), settings)
            uvicorn.run(app, host=host, port=settings.dagster_port, log_level="warning")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-w", "--workspace", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    arguments = parser.parse_args()
    serve(Settings.from_env(), arguments.workspace, arguments.host)
