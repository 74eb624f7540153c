"""Who works with costwatch (members), who sends to it (API keys), and for which tenant (workspaces)."""

from collections.abc import Iterator
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from costwatch.accounts import actions


class Workspace(models.Model):
    """A tenant: owns keys, events, budgets. Its id is also its lane, the first column of every fact table."""

    class WeekStart(models.IntegerChoices):
        MONDAY = 1
        SATURDAY = 6
        SUNDAY = 7

    name = models.CharField(max_length=200, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC", help_text="IANA name; days and months begin in it")
    week_start = models.SmallIntegerField(choices=WeekStart.choices, default=WeekStart.MONDAY)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def lane(self) -> int:
        return self.pk


class Role(models.TextChoices):
    """What a member may do, each including the ones before it: look; budgets and alerts; keys, members, prices; all."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"

    def includes(self, other: str) -> bool:
        """Whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(Role(other))


class Member(AbstractBaseUser):
    """A person who logs in, in one workspace, with one role. (An end user, `user_id`, is somebody else: billed for.)"""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="members")
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    theme = models.CharField(max_length=6, default="system", choices=[(t, t) for t in ("system", "light", "dark")])
    is_active = models.BooleanField(default=True)
    session_epoch = models.PositiveIntegerField(default=0, help_text="counted up to end every session of the member")
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = BaseUserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="member_email_once")]

    def __str__(self) -> str:
        return self.email

    def may(self, role: str) -> bool:
        """Whether the member's role includes `role`."""
        return Role(self.role).includes(role)

    @property
    def is_admin(self) -> bool:
        return self.may(Role.ADMIN)

    def get_session_auth_hash(self) -> str:
        """What a session was opened under: it ends with another password, role or epoch."""
        state = f"{self.password} {self.role} {self.session_epoch}"
        return salted_hmac("costwatch.accounts.session", state, algorithm="sha256").hexdigest()

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """None: a new secret key ends all sessions."""
        return iter(())


class ApiKey(models.Model):
    """A credential of a program. Only its SHA-256 is kept; `prefix` and `last4` let a person recognise it."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=200)
    prefix = models.CharField(max_length=16, help_text="cw_ingest_, cw_read_ or cw_admin_")
    last4 = models.CharField(max_length=4)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…{self.last4})"


class AuditEntry(models.Model):
    """Who changed what and when; rows are only ever added (a trigger refuses UPDATE and DELETE)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=255, help_text="e-mail of a member, name of a key, or the command line")
    action = models.CharField(max_length=100, help_text="e.g. key.created")
    subject = models.CharField(max_length=255)
    facts = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-id"])]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.actor} {self.action} {self.subject}"

    @property
    def told(self) -> str:
        """The action in words that go on from the actor; "" for one that no version knows any more."""
        return actions.WORDS.get(self.action, "")


class SetupToken(models.Model):
    """A one-time link of an installation without an owner; all of them go when the first owner exists."""

    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"setup link of {self.created_at:%F %T}"


class Invitation(models.Model):
    """A one-time link with which a person chooses a password: as a new member, or, with `member`, as a known one."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role.choices)
    member = models.ForeignKey(Member, null=True, on_delete=models.CASCADE, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True)
    created_by = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"


class LoginThrottle(models.Model):
    """Failed logins of one (account, address) or one address; only a hash of it, for people mistype passwords there."""

    subject = models.BinaryField(max_length=32, unique=True)
    failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.failures} failed logins"
