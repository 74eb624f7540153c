from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "costwatch.api"

    def ready(self) -> None:
        """drf-spectacular finds its extensions by their being imported."""
        from costwatch.api import security  # noqa: F401
