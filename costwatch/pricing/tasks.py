"""Periodic work on prices; runs only where the operator set an address."""

import logging

from celery import shared_task
from django.utils import timezone

from costwatch.lib import outbound
from costwatch.pricing import files

log = logging.getLogger("costwatch.prices")


@shared_task(name="pricing.fetch", ignore_result=True)
def fetch() -> None:
    """Once a day: the catalogue from COSTWATCH_PRICES_URL. What removes or moves prices waits for an operator."""
    try:
        found = files.fetch(timezone.now())
    except (outbound.Forbidden, outbound.Failed, ValueError) as problem:
        log.warning("prices were not fetched: %s", problem)
        return
    if found is not None:
        log.info("prices were fetched: %s", found[0].summary)
