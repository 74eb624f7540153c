"""How callers prove who they are, for the OpenAPI description."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """An API key as bearer; a logged-in member's session works as well, for trying things out."""

    target_class = "costwatch.accounts.drf.KeyOrMemberAuthentication"
    name = ["key", "session"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        key = {"type": "http", "scheme": "bearer", "bearerFormat": "cw_<kind>_<38 letters and digits>"}
        return [key, {"type": "apiKey", "in": "cookie", "name": "costwatch_session"}]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Either of them is enough."""
        return [{"key": []}, {"session": []}]
