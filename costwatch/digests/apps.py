from django.apps import AppConfig


class DigestsConfig(AppConfig):
    name = "costwatch.digests"
