"""What every page's frame needs: its theme and its navigation."""

from collections.abc import Callable

from django import template
from django.template import Context
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costwatch.alerts import incidents
from costwatch.dashboards import unpriced
from costwatch.dashboards.state import State
from costwatch.dashboards.theme import theme_of
from costwatch.saved.keep import home_of

register = template.Library()
BELOW = {
    "overview": ("/welcome", "/overview"),
    "explore": ("/views",),
    "runs": ("/runs", "/run", "/calls", "/call"),
    "sessions": ("/sessions", "/session", "/session-paths", "/resend"),
    "budgets": ("/budgets",),
    "incidents": ("/incidents", "/stops"),
    "this-month": ("/month",),
    "digests": ("/digests",),
    "prices": ("/prices",),
    "settings": ("/settings",),
}
# what is open behind a link, how bad that is, and what one of it is called
COUNTS: dict[str, tuple[Callable[[int], int], str, str]] = {
    "incidents": (incidents.open_count, "bad", "open alarm{}"),
    "unpriced": (unpriced.count, "warn", "model{} without a price"),
}


@register.simple_tag(takes_context=True)
def theme_attribute(context: Context) -> SafeString:
    """` data-theme="dark"` for <html>, written by the server so that nothing flashes; nothing for the system's."""
    theme = theme_of(context.get("request"))
    return SafeString("") if theme == "system" else format_html(' data-theme="{}"', theme)


@register.simple_tag(takes_context=True)
def other_theme(context: Context) -> str:
    """What the theme button asks for where no script can see what the system prefers."""
    return "light" if theme_of(context.get("request")) == "dark" else "dark"


@register.simple_tag(takes_context=True)
def nav_link(context: Context, name: str, label: str) -> SafeString:
    """A link of the rail, marked where the page is the linked one or below it."""
    address = _overview(context) if name == "overview" else reverse(name)
    path = context["request"].path if "request" in context else ""
    here = path == address or any(path == below or path.startswith(f"{below}/") for below in BELOW.get(name, ()))
    current = SafeString(' aria-current="page"') if here else ""
    return format_html('<a href="{}"{}>{}{}</a>', address, current, label, _open_count(context, name))


def _overview(context: Context) -> str:
    """Where the Overview is: the front page, unless the member has made another view that."""
    member = getattr(context.get("request"), "member", None)
    return reverse("plain-overview" if member and home_of(member) else "overview")


def _open_count(context: Context, name: str) -> SafeString:
    """How much is open behind a link of the rail, nothing where nothing is."""
    workspace = getattr(context.get("request"), "workspace", None)
    if name not in COUNTS or workspace is None:
        return SafeString("")
    count_open, css, words = COUNTS[name]
    count = count_open(workspace.lane)
    words = words.format(pluralize(count))
    shown = '<span class="count {}" title="{} {}">{}<span class="vh"> {}</span></span>'
    return format_html(shown, css, count, words, count, words) if count else SafeString("")


@register.simple_tag(takes_context=True)
def sort_head(context: Context, column: str, label: str, css: str = "", span: int = 1) -> SafeString:
    """The head of a column that sorts by it; the sorted one says so to eyes and screen readers."""
    state: State = context["state"]
    arrow, spoken = "", SafeString("")
    if state.sort.removeprefix("-") == column:
        arrow, order = (" ↓", "descending") if state.sort.startswith("-") else (" ↑", "ascending")
        spoken = format_html(' aria-sort="{}"', order)
    return format_html(
        '<th scope="col"{}{}{}><a id="sort-{}" href="{}">{}{}</a></th>',
        format_html(' class="{}"', css) if css else "",
        format_html(' colspan="{}"', span) if span > 1 else "",
        spoken,
        column,
        state.sorted_by(column),
        label,
        arrow,
    )
