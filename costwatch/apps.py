from django.apps import AppConfig


class CostwatchConfig(AppConfig):
    """The project itself: its checks and what it notes about its own running."""

    name = "costwatch"

    def ready(self) -> None:
        from costwatch import checks  # noqa: F401 - importing registers them
