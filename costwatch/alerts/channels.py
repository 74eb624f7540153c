"""Channels made, changed, switched off and tried out. Their configuration is stored sealed and shown masked."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from costwatch.accounts import sealing
from costwatch.accounts.models import Workspace
from costwatch.alerts.models import Channel, Delivery, Kind, Notice, Severity
from costwatch.alerts.transports import transport
from costwatch.alerts.transports.parts import BadChannel, Field, masked
from costwatch.lib import sealed
from costwatch.lib.periods import zone_names

PURPOSE = "channels"
LONGEST_NAME, LONGEST_VALUE = 200, 2_000
MOST_MINUTES = 7 * 24 * 60
OPTIONS = (
    "name", "min_severity", "kinds", "is_default", "quiet_from", "quiet_until", "time_zone", "escalate_to",
    "escalate_minutes", "renotify_minutes",
)  # fmt: skip


def of(workspace: Workspace | int) -> QuerySet[Channel]:
    """The channels of a workspace, by name; deleted ones are not among them."""
    return Channel.objects.filter(workspace=workspace, deleted_at=None).order_by("name", "pk")


def create(workspace: Workspace, data: Mapping[str, Any]) -> tuple[Channel, str]:
    """Make a channel; with the signing secret of a webhook, else "". Raises BadChannel."""
    kind = data.get("kind")
    if kind not in Channel.Kind.values:
        raise BadChannel("kind", f"kind is one of {', '.join(Channel.Kind.values)}.")
    channel = Channel(workspace=workspace, kind=kind)
    _set_options(channel, {"name": "", **{name: data[name] for name in OPTIONS if name in data}})
    config = transport(kind).check(_entered(kind, data, {}))
    _store(channel, config)
    return channel, _secret(config)


def change(channel: Channel, data: Mapping[str, Any]) -> bool:
    """Change what `data` names; whether that was anything. A field of the kind left blank stays. Raises BadChannel."""
    before = (channel.sealed, *(getattr(channel, name) for name in OPTIONS if name != "escalate_to"))
    before = (*before, channel.escalate_to_id)
    _set_options(channel, {name: data[name] for name in OPTIONS if name in data})
    config, known = None, transport(channel.kind)
    if any(data.get(field.name) for field in known.FIELDS):
        old = _kept(channel)
        entered = _entered(channel.kind, data, old)
        replaced = {name for field in known.FIELDS if field.name in entered for name in field.replaces}
        config = known.check({**{name: old[name] for name in old if name not in replaced}, **entered})
        config = None if config == old else config  # sealed anew the same would look like another one
    _store(channel, config)
    after = (channel.sealed, *(getattr(channel, name) for name in OPTIONS if name != "escalate_to"))
    return before != (*after, channel.escalate_to_id)


def rotate(channel: Channel) -> str:
    """A new signing secret; the old one signs along for a day. Raises BadChannel where nothing is signed."""
    if channel.kind != Channel.Kind.WEBHOOK:
        raise BadChannel("kind", "Only webhooks have a signing secret.")
    from costwatch.alerts.transports import webhook  # its kind alone needs it

    config, secret = webhook.rotated(config_of(channel), timezone.now().timestamp())
    _store(channel, config)
    return secret


def enable(channel: Channel) -> bool:
    """Use it again; False if it is in use."""
    return _switch(channel, None, "")


def disable(channel: Channel, reason: str, now: datetime, *, drops: bool = True) -> bool:
    """Send nothing over it any more; False if that is so already. What waits for it waits no longer, unless the caller
    sends that another way first."""
    with transaction.atomic():
        changed = _switch(channel, now, reason)
        if changed and drops:
            drop_waiting(channel, "the channel was switched off")
    return changed


def drop_waiting(channel: Channel, why: str) -> None:
    """Nothing of what waits for it is sent. A message that is on its way now has its answer recorded."""
    Notice.objects.filter(channel=channel, delivery=None).update(dropped=True)
    waiting = Delivery.objects.filter(channel=channel, state=Delivery.State.WAITING)
    waiting.exclude(lease_until__gt=Now()).update(state=Delivery.State.FAILED, answer=why)


def delete(channel: Channel, now: datetime) -> None:
    """Take it away. What was sent over it stays in the history; its configuration does not."""
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(deleted_at=now, sealed="", shown={}, is_default=False)
        Channel.objects.filter(escalate_to=channel).update(escalate_to=None, escalate_minutes=None)
        drop_waiting(channel, "the channel was taken away")


def config_of(channel: Channel) -> dict[str, Any]:
    """The configuration as a transport needs it. Raises sealed.Unreadable."""
    return sealed.unseal(channel.sealed, sealing.keys(), PURPOSE)


def seal_anew() -> int:
    """Seal with the present secret key what an older one sealed; how many."""
    old = [c for c in Channel.objects.exclude(sealed="") if not sealed.is_current(c.sealed, sealing.keys(), PURPOSE)]
    done = 0
    for channel in old:
        try:
            text = sealed.seal(config_of(channel), sealing.keys(), PURPOSE)
        except sealed.Unreadable:
            continue
        done += Channel.objects.filter(pk=channel.pk, sealed=channel.sealed).update(sealed=text)
    return done


def _kept(channel: Channel) -> dict[str, Any]:
    """What is stored of it; nothing where the secret key is another by now: then all of it is entered again."""
    try:
        return config_of(channel)
    except sealed.Unreadable:
        return {}


def _store(channel: Channel, config: dict[str, Any] | None) -> None:
    if config is not None:
        channel.sealed = sealed.seal(config, sealing.keys(), PURPOSE)
        channel.shown = _shown(channel.kind, config)
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError:
        raise BadChannel("name", "Another channel has this name.") from None


def _switch(channel: Channel, at: datetime | None, reason: str) -> bool:
    rows = Channel.objects.filter(pk=channel.pk, disabled_at__isnull=at is not None)
    changed = rows.update(disabled_at=at, disabled_reason=reason[:LONGEST_VALUE])
    channel.refresh_from_db()
    return bool(changed)


def _shown(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    fields = {field.name: field for field in transport(kind).FIELDS}
    return {name: masked(value) if fields[name].secret else value for name, value in config.items() if name in fields}


def _secret(config: Mapping[str, Any]) -> str:
    return str(config["secrets"][0]["secret"]) if "secrets" in config else ""


def _entered(kind: str, data: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """What was entered for the kind's own fields."""
    found = {}
    for field in transport(kind).FIELDS:
        value = _values(field, data.get(field.name)) if field.many else _value(field, data.get(field.name))
        if not value and field.required and not old.get(field.name):
            raise BadChannel(field.name, f"{field.label} is missing.")
        if value:
            found[field.name] = value
    return found


def _value(field: Field, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_VALUE or "\0" in value:
        raise BadChannel(field.name, f"{field.label} must be a text of at most {LONGEST_VALUE:,} signs.")
    return value.strip(" ")


def _values(field: Field, value: Any) -> list[str]:
    parts = value.replace("\n", ",").split(",") if isinstance(value, str) else value or []
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise BadChannel(field.name, f"{field.label} must be a list of texts.")
    return [text for part in parts if (text := _value(field, part).strip())]


def _set_options(channel: Channel, data: Mapping[str, Any]) -> None:
    for name, value in data.items():
        setattr(channel, name, _CHECKS[name](channel, name, value))
    if (channel.quiet_from is None) != (channel.quiet_until is None):
        raise BadChannel("quiet_until", "Quiet hours have a beginning and an end.")
    if (channel.escalate_to_id is None) != (channel.escalate_minutes is None):
        raise BadChannel("escalate_minutes", "Escalation needs another channel and the minutes until then.")


def _name(_: Channel, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value.strip()) > LONGEST_NAME:
        raise BadChannel(name, f"Give the channel a name of at most {LONGEST_NAME} signs.")
    if not value.isprintable():
        raise BadChannel(name, "The name must be one line.")
    return value.strip()


def _severity(_: Channel, name: str, value: Any) -> str:
    if value not in (Severity.ALARM, Severity.CRITICAL):
        raise BadChannel(name, "min_severity is alarm or critical; a notice stays on the pages.")
    return str(value)


def _kinds(_: Channel, name: str, value: Any) -> list[str]:
    wanted = value or []
    if not isinstance(wanted, list) or not all(kind in Kind.values for kind in wanted):
        raise BadChannel(name, f"kinds is a list of {', '.join(Kind.values)}; empty for all.")
    return [kind for kind in Kind.values if kind in wanted]


def _flag(_: Channel, name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadChannel(name, f"{name} is true or false.")
    return value


def _time(_: Channel, name: str, value: Any) -> time | None:
    if value in (None, ""):
        return None
    try:
        found = value if isinstance(value, time) else time.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is not None:
        raise BadChannel(name, f"{name} is a time of day: 22:00.")
    return found.replace(microsecond=0)


def _zone(_: Channel, name: str, value: Any) -> str:
    if value and (not isinstance(value, str) or value not in zone_names()):
        raise BadChannel(name, "The time zone is a name of the IANA list: Europe/Berlin.")
    return value or ""


def _other(channel: Channel, name: str, value: Any) -> Channel | None:
    if value in (None, ""):
        return None
    known = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
    found = of(channel.workspace_id).filter(pk=value).exclude(pk=channel.pk).first() if known else None
    if found is None:
        raise BadChannel(name, "Escalation leads to another channel of this workspace, by its id.")
    return found


def _minutes(_: Channel, name: str, value: Any) -> int | None:
    if value in (None, ""):
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MOST_MINUTES:
        raise BadChannel(name, f"{name} is a number of minutes, at most {MOST_MINUTES:,}.")
    return value


_CHECKS = {
    "name": _name,
    "min_severity": _severity,
    "kinds": _kinds,
    "is_default": _flag,
    "quiet_from": _time,
    "quiet_until": _time,
    "time_zone": _zone,
    "escalate_to": _other,
    "escalate_minutes": _minutes,
    "renotify_minutes": _minutes,
}
