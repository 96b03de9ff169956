"""Staff pages of publishing: who may write which zone, how it went, and every value that we wrote."""

from __future__ import annotations

from django.contrib import admin

from accounts.staff import LookOnlyAdmin, StaffAdmin, column
from domains.models import AssignedZone, DnsHostCredential, HandOverLink, Publication, PublishedValue


@admin.register(AssignedZone)
class AssignedZoneAdmin(StaffAdmin):
    """What staff fill in lets an organization's domains be written into a zone of the installation's own account."""

    list_display = ("zone_id", "host", "organization", "note", "assigned_at")
    list_filter = ("host",)
    list_select_related = ("organization",)
    search_fields = ("zone_id", "note", "organization__name", "organization__public_id")
    autocomplete_fields = ("organization",)
    date_hierarchy = "assigned_at"


@admin.register(DnsHostCredential)
class DnsHostCredentialAdmin(StaffAdmin):
    """Customers connect their DNS hosts themselves; staff can enter a role. Tokens are entered by their owners alone.

    The external id is made here: the customer's role must demand it (`sts:ExternalId`) before it is of use.
    """

    list_display = ("__str__", "host", "organization", "checked_at", "error_line", "created_at")
    list_filter = ("host", ("checked_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization",)
    search_fields = ("public_id", "label", "role_arn", "external_id", "organization__name", "organization__public_id")
    autocomplete_fields = ("organization",)
    readonly_fields = ("public_id", "external_id", "has_token", "checked_at", "last_error")
    date_hierarchy = "created_at"

    @column("last error")
    def error_line(self, credential: DnsHostCredential) -> str:
        return credential.last_error[:80]

    @column("token")
    def has_token(self, credential: DnsHostCredential) -> str:
        return "kept, encrypted" if credential.token else "none"


@admin.register(Publication)
class PublicationAdmin(LookOnlyAdmin):
    list_display = ("domain", "host", "zone", "status_chip", "last_attempt_at", "last_success_at", "error_line")
    list_filter = ("host", "status")
    list_select_related = ("domain",)
    search_fields = ("domain__name", "domain__public_id", "zone", "zone_id", "last_error")
    date_hierarchy = "last_attempt_at"

    @column("status", ordering="status", colours={"applied": "success", "failed": "danger"})
    def status_chip(self, publication: Publication) -> str:
        return publication.status

    @column("last error")
    def error_line(self, publication: Publication) -> str:
        return publication.last_error[:80]


@admin.register(PublishedValue)
class PublishedValueAdmin(LookOnlyAdmin):
    list_display = ("name", "type", "value", "domain", "zone_id", "host_record_id", "written_at", "taken_back_at")
    list_filter = ("host", "type", ("taken_back_at", admin.EmptyFieldListFilter))
    list_select_related = ("domain",)
    search_fields = ("name", "value", "zone_id", "domain__name", "domain__public_id")
    date_hierarchy = "intended_at"


@admin.register(HandOverLink)
class HandOverLinkAdmin(LookOnlyAdmin):
    list_display = ("domain", "created_by", "created_at", "expires_at", "revoked_at", "opened_count", "opened_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("domain",)
    search_fields = ("public_id", "created_by", "domain__name", "domain__public_id")
    date_hierarchy = "created_at"
