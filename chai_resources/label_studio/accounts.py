"""Accounts of people in Label Studio. Who works here, and as what, is not known here."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from chai_resources.label_studio.annotator import submit_form
from chai_resources.label_studio.api import Api, required
from chai_resources.label_studio.errors import LabelStudioRefused
from chai_resources.people import account_key

if TYPE_CHECKING:
    from label_studio_sdk.base_client import LabelStudioBase


# Ours, not Label Studio's: its own API cannot close an account. deploy/label_studio/accounts.py answers there.
_ACCOUNTS = "/api/chai/accounts"


def emails_by_id(sdk: "LabelStudioBase") -> dict[int, str]:
    """E-mail of every account."""
    return {required(user.id): user.email or "" for user in sdk.users.list()}


def ensure_account(api: Api, email: str, password: str) -> int:
    """Id of the account, made with this password where it is missing, and opened where it was closed.

    The user name becomes the pseudonym, because everyone can see it.
    """
    known = {known.lower(): user_id for user_id, known in emails_by_id(api.sdk).items()}
    if email.lower() in known:
        _send(api, "PATCH", {"email": email})
        return known[email.lower()]
    # Over the invitation: an account that the SDK makes has no password, so nobody could log in to it.
    invitation = required(api.sdk.organizations.invites.get_invite_link().invite_url)
    newcomer = Api(api.url)
    submit_form(newcomer, invitation[invitation.index("/user/signup") :], email.lower(), password)
    user_id = newcomer.get("/api/current-user/whoami")["id"]
    api.sdk.users.update(user_id, username=account_key(email))
    api.sdk.organizations.reset_token()  # the invitation lets in whoever has it
    return user_id


def hold_to(api: Api, roles: Mapping[str, Collection[str]]) -> tuple[list[str], list[str]]:
    """Opens the accounts of these e-mails with their roles and closes all others; e-mails opened and closed by it.

    A closed account is logged out at once. Superusers' accounts stay as they are.
    """
    people = [{"email": email, "roles": sorted(of)} for email, of in sorted(roles.items())]
    changed = _send(api, "PUT", {"people": people})
    return changed["opened"], changed["closed"]


def _send(api: Api, method: str, body: dict[str, Any]) -> Any:
    try:
        return api.send(method, _ACCOUNTS, body)
    except LabelStudioRefused as refused:
        if refused.status != 404:
            raise
        words = "it runs without our rules of access, or an older version of them: start it from deploy/label_studio"
        raise LabelStudioRefused(f"{method} {_ACCOUNTS}", 404, f"{words} (`make down`, `make up`)") from None


def email_of(user: Any, emails: dict[int, str]) -> str | None:
    """E-mail of a user given as an id or as an object; None where Label Studio names nobody."""
    if isinstance(user, dict):
        user = user["id"]
    return emails.get(user) if user is not None else None
