"""Why a request as a whole is not taken. Pure."""


class Refused(Exception):
    """The request is answered with `status` and one sentence a person can act on; nothing of it is stored."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field
