"""How a member is found: by e-mail in any case, together with the workspace that every page needs."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from costwatch.accounts.models import Member


class MemberBackend(ModelBackend):
    """Django's password check on lower-case e-mails; one query per request for member and workspace."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> Member | None:
        """The active member with this e-mail and password; unknown e-mails take just as long."""
        if username is None or password is None:
            return None
        return super().authenticate(request, username=username.strip().lower(), password=password)  # type: ignore[return-value]

    def get_user(self, user_id: int) -> Member | None:
        """The member of a session, unless deactivated or removed since."""
        return Member.objects.select_related("workspace").filter(pk=user_id, is_active=True).first()
