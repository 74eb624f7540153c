"""Every address of the product. A new one needs its rule of who may (tests/test_access.py walks this list)."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
