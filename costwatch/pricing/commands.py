"""`costwatch prices sync` and `costwatch prices check`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from costwatch.pricing import catalogue, listing
from costwatch.pricing.models import CatalogueRelease, PriceBook, PriceLine, PriceVersion

OLD_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Check:
    """The state of the stored prices; `problems` are sentences, none = all is well."""

    release: str | None
    imported_at: datetime | None
    models: int
    prices: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def summary(self) -> str:
        head = f"{self.models} models, {self.prices} prices in force, {self.release or 'no catalogue'}"
        return f"{head}." if self.ok else f"{head}. " + " ".join(self.problems)


def sync() -> int:
    """Read the installed catalogue into the price tables; prints what changed. Exit status 0."""
    print(catalogue.sync().summary)
    return 0


def check() -> int:
    """Print the state of the stored prices. Exit status 1 when something should be done."""
    found = inspect(timezone.now())
    print(found.summary)
    return 0 if found.ok else 1


def inspect(now: datetime) -> Check:
    """Look at the stored prices: are there any, are they those of the installed catalogue, are they fresh?"""
    latest = CatalogueRelease.objects.order_by("-pk").first()
    installed, digest = catalogue.installed()
    prices = PriceVersion.objects.filter(withdrawn_at=None, line__workspace=None)
    problems = []
    if latest is None or not prices.exists():
        problems.append("No prices are stored: run `costwatch prices sync`.")
    elif not PriceBook.objects.filter(digest=digest).exists():
        problems.append(f"{installed} is installed but not read: run `costwatch prices sync`.")
    elif now - latest.imported_at > OLD_AFTER:
        days = (now - latest.imported_at).days
        problems.append(
            f"The catalogue was read {days} days ago: upgrade genai-prices and run `costwatch prices sync`."
        )
    return Check(
        latest.name if latest else None,
        latest.imported_at if latest else None,
        PriceLine.objects.filter(workspace=None).values("provider", "model").distinct().count(),
        listing.at(prices, now).count(),
        tuple(problems),
    )
