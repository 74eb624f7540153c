"""What is shown once: sealed in the session until the page that a form leads to, never in an address.

So the answer to the form is a redirect, and a page that is loaded again makes nothing again.
"""

from django.http import HttpRequest

from costwatch.accounts import sealing
from costwatch.lib import sealed

PURPOSE = "shown once"


def keep(request: HttpRequest, name: str, secret: str) -> None:
    """For the next page that takes it. Sealed, because sessions are rows and no row holds a key as it is."""
    request.session[_place(name)] = sealed.seal({"secret": secret}, sealing.keys(), PURPOSE)


def take(request: HttpRequest, name: str) -> str | None:
    """What was kept, and gone with that."""
    text = request.session.pop(_place(name), None)
    try:
        return str(sealed.unseal(text, sealing.keys(), PURPOSE)["secret"]) if text else None
    except sealed.Unreadable:
        return None


def _place(name: str) -> str:
    return f"once {name}"
