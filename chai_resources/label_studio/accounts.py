"""Accounts of people in Label Studio. Who works here, and as what, is not known here."""

from typing import TYPE_CHECKING, Any

from chai_resources.label_studio.annotator import submit_form
from chai_resources.label_studio.api import Api, required
from chai_resources.people import account_key

if TYPE_CHECKING:
    from label_studio_sdk.base_client import LabelStudioBase


def emails_by_id(sdk: "LabelStudioBase") -> dict[int, str]:
    """E-mail of every account."""
    return {required(user.id): user.email or "" for user in sdk.users.list()}


def ensure_account(api: Api, email: str, password: str) -> int:
    """Id of the account, made with this password where it is missing.

    The user name becomes the pseudonym, because everyone can see it.
    """
    known = {known.lower(): user_id for user_id, known in emails_by_id(api.sdk).items()}
    if email.lower() in known:
        return known[email.lower()]
    # Over the invitation: an account that the SDK makes has no password, so nobody could log in to it.
    invitation = required(api.sdk.organizations.invites.get_invite_link().invite_url)
    newcomer = Api(api.url)
    submit_form(newcomer, invitation[invitation.index("/user/signup") :], email.lower(), password)
    user_id = newcomer.get("/api/current-user/whoami")["id"]
    api.sdk.users.update(user_id, username=account_key(email))
    api.sdk.organizations.reset_token()  # the invitation lets in whoever has it
    return user_id


def email_of(user: Any, emails: dict[int, str]) -> str | None:
    """E-mail of a user given as an id or as an object; None where Label Studio names nobody."""
    if isinstance(user, dict):
        user = user["id"]
    return emails.get(user) if user is not None else None
