"""Staff pages of people, organizations and keys."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.forms import AdminPasswordChangeForm, UserChangeForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget, UnfoldAdminSelectMultipleWidget

from accounts.api_keys import issue_api_key, revoke_api_key
from accounts.models import ApiKey, AuditEvent, Invitation, Membership, Notice, Organization, User
from accounts.permissions import ALL_PERMISSIONS
from accounts.staff import LookOnlyAdmin, StaffAdmin, StaffInline, column, staff_actor

# Staff sign in where everybody does: with the same limits on guessing, and the second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.unregister(Group)


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")
        widgets = {"email": UnfoldAdminEmailInputWidget}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name in ("password1", "password2"):
            self.fields[name].widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class MembershipInline(StaffInline):
    model = Membership
    extra = 0
    fields = ("user", "organization", "role")
    autocomplete_fields = ("user", "organization")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, StaffAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    date_hierarchy = "date_joined"
    readonly_fields = ("date_joined", "last_login")
    filter_horizontal = ("user_permissions",)
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Staff", {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)


@admin.register(Organization)
class OrganizationAdmin(StaffAdmin):
    list_display = ("name", "public_id", "member_count", "domain_count", "created_at")
    list_filter = ("created_at",)
    search_fields = ("name", "public_id", "workspace_id", "memberships__user__email")
    date_hierarchy = "created_at"
    readonly_fields = ("public_id", "created_at")
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        rows: QuerySet[Organization] = super().get_queryset(request)
        return rows.annotate(
            members=Count("memberships", distinct=True),
            live_domains=Count("domains", filter=Q(domains__removed_at__isnull=True), distinct=True),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Organization | None = None) -> tuple[str, ...]:
        # Customers' systems hold the workspace id: it is chosen once.
        return ("public_id", "created_at") if obj is None else ("public_id", "workspace_id", "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return False

    @column("members", ordering="members")
    def member_count(self, organization: Organization) -> int:
        return int(organization.members)  # type: ignore[attr-defined]

    @column("domains", ordering="live_domains")
    def domain_count(self, organization: Organization) -> int:
        return int(organization.live_domains)  # type: ignore[attr-defined]


@admin.register(Membership)
class MembershipAdmin(StaffAdmin):
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "organization__name", "organization__public_id")
    autocomplete_fields = ("user", "organization")
    readonly_fields = ("created_at",)


@admin.register(Invitation)
class InvitationAdmin(LookOnlyAdmin):
    list_display = ("email", "organization", "role", "invited_by", "created_at", "expires_at", "accepted_at")
    list_filter = ("role", ("accepted_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization", "invited_by")
    search_fields = ("email", "organization__name")
    date_hierarchy = "created_at"
    exclude = ("token_hash",)


class NewKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        choices=[(name, name) for name in sorted(ALL_PERMISSIONS)],
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        help_text="None chosen means all of the role's.",
    )

    class Meta:
        model = ApiKey
        fields = ("organization", "name", "role", "scopes", "domain_name", "expires_at")


@admin.register(ApiKey)
class ApiKeyAdmin(LookOnlyAdmin):
    """A key is made and ended by its verbs; its hash is shown nowhere."""

    list_display = ("name", "prefix", "organization", "state", "role", "domain_name", "last_used_at", "expires_at")
    list_filter = ("role", ("revoked_at", admin.EmptyFieldListFilter), ("expires_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization",)
    search_fields = ("name", "prefix", "organization__name", "organization__public_id", "domain_name")
    date_hierarchy = "created_at"
    exclude = ("secret_hash",)
    autocomplete_fields = ("organization",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.add_apikey"))

    def get_form(
        self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: object
    ) -> type[forms.ModelForm[ApiKey]]:
        if obj is None:
            kwargs |= {"form": NewKeyForm, "fields": NewKeyForm.Meta.fields}
        form: type[forms.ModelForm[ApiKey]] = super().get_form(request, obj, change, **kwargs)
        return form

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        if obj is None:
            return NewKeyForm.Meta.fields
        return (*NewKeyForm.Meta.fields, "prefix", "created_by", "created_at", "last_used_at", "revoked_at")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: NewKeyForm, change: bool) -> None:
        issued = issue_api_key(
            organization=obj.organization,
            name=obj.name,
            now=timezone.now(),
            role=obj.role,
            scopes=list(obj.scopes),
            domain_name=obj.domain_name,
            expires_at=obj.expires_at,
            created_by=request.user if isinstance(request.user, User) else None,
        )
        obj.pk, obj.prefix = issued.api_key.pk, issued.api_key.prefix
        messages.warning(request, f"Copy the secret now, it is shown once: {issued.secret}")

    @column("state", colours={"live": "success", "revoked": "danger", "expired": "warning"})
    def state(self, api_key: ApiKey) -> str:
        if api_key.is_live(timezone.now()):
            return "live"
        return "revoked" if api_key.revoked_at else "expired"

    @admin.action(description="Revoke the selected keys", permissions=["operate"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        now, actor = timezone.now(), staff_actor(request)
        ended = sum(revoke_api_key(api_key=key, now=now, actor=actor) for key in keys.select_related("organization"))
        messages.success(request, f"{ended} keys have ended.")


@admin.register(AuditEvent)
class AuditEventAdmin(LookOnlyAdmin):
    list_display = ("at", "actor", "action", "subject", "organization")
    list_filter = ("action",)
    list_select_related = ("organization",)
    search_fields = ("actor", "action", "subject", "organization__name", "organization__public_id")
    date_hierarchy = "at"


@admin.register(Notice)
class NoticeAdmin(LookOnlyAdmin):
    list_display = ("created_at", "kind", "subject", "organization", "mailed_at", "read_at")
    list_filter = ("kind", ("mailed_at", admin.EmptyFieldListFilter), ("read_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization",)
    search_fields = ("subject", "key", "organization__name", "organization__public_id")
    date_hierarchy = "created_at"
