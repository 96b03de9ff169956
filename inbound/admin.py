"""Staff pages of mail in: the queue of record, and messages without their contents."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action

from accounts.staff import LookOnlyAdmin, LookOnlyInline, StaffAdmin, column, staff_actor
from inbound.models import (
    Attachment,
    DeletedMessage,
    InboundMessage,
    MailPolicy,
    Recipient,
    SendingFeedback,
    SentMessage,
    SnsNotification,
    SweepTurn,
    Thread,
    ThreadReference,
)
from inbound.models.mail import LONGEST_SHOWN
from inbound.one_line import one_line
from inbound.parked import run_again
from inbound.placing_admin import place_mail
from inbound.policy import set_mail_policy
from inbound.searching import search
from inbound.where_admin import steps_list, where_page

SENT_COLOURS = {
    "sending": "warning",
    "sent": "info",
    "delivered": "success",
    "refused": "danger",
    "bounced": "danger",
    "complained": "danger",
}


@admin.register(SnsNotification)
class SnsNotificationAdmin(LookOnlyAdmin):
    list_display = (
        "sns_message_id",
        "state_chip",
        "source",
        "received_at",
        "attempts",
        "deaths",
        "next_attempt_at",
        "error_line",
    )
    list_filter = ("state", "source")
    search_fields = ("sns_message_id", "ses_message_id", "message", "last_error")
    date_hierarchy = "received_at"
    actions = ("run_again",)

    @column(
        "state",
        ordering="state",
        colours={"Waiting": "warning", "Done": "success", "Parked": "danger", "Ignored": "info"},
    )
    def state_chip(self, notification: SnsNotification) -> str:
        return notification.get_state_display()

    @column("last error")
    def error_line(self, notification: SnsNotification) -> str:
        return notification.last_error[:120]

    @admin.action(description="Run again (parked ones)", permissions=["operate"])
    def run_again(self, request: HttpRequest, notifications: QuerySet[SnsNotification]) -> None:
        now, actor = timezone.now(), staff_actor(request)
        count = sum(run_again(notification=each, actor=actor, now=now) for each in notifications)
        messages.success(request, f"{count} notifications run again.")


@admin.register(SweepTurn)
class SweepTurnAdmin(LookOnlyAdmin):
    list_display = ("bucket", "leased_until", "after_key")
    list_filter = (("leased_until", admin.EmptyFieldListFilter),)
    search_fields = ("bucket",)


@admin.register(Thread)
class ThreadAdmin(LookOnlyAdmin):
    list_display = ("subject_line", "organization", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("organization",)
    search_fields = ("subject", "public_id", "organization__name")
    date_hierarchy = "created_at"

    @column("subject", ordering="subject")
    def subject_line(self, thread: Thread) -> str:
        return str(thread)


@admin.register(ThreadReference)
class ThreadReferenceAdmin(LookOnlyAdmin):
    list_display = ("name", "thread", "organization")
    list_filter = ("thread__created_at",)
    list_select_related = ("thread", "organization")
    search_fields = ("name", "thread__public_id", "organization__name")


class RecipientInline(LookOnlyInline):
    model = Recipient
    fields = ("address", "domain", "inbox", "is_waiting")


class AttachmentInline(LookOnlyInline):
    model = Attachment
    fields = ("position", "filename", "content_type", "size", "is_inline")


@admin.register(InboundMessage)
class InboundMessageAdmin(LookOnlyAdmin):
    """What staff need to find a mail; its text is the customer's own business and is left out."""

    list_display = (
        "received_at",
        "subject_line",
        "sender",
        "organization",
        "disposition_chip",
        "parse_chip",
        "size",
    )
    list_filter = (
        "disposition",
        "parse_status",
        "spam_verdict",
        "virus_verdict",
        ("deleted_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("organization",)
    search_fields = ("public_id", "ses_message_id", "recipients__address", "organization__name")
    search_help_text = "Words of sender, subject or text; an id; a recipient; the name of an organization."
    date_hierarchy = "received_at"
    exclude = ("text", "html", "headers", "trace")
    readonly_fields = ("way",)
    inlines = (RecipientInline, AttachmentInline)
    actions = (place_mail,)
    actions_list = ("where_would_it_go",)

    @action(description="Where would it go?", url_path="where-would-it-go", permissions=["view"])  # type: ignore[untyped-decorator]
    def where_would_it_go(self, request: HttpRequest) -> HttpResponse:
        return where_page(self, request)

    @column("subject", ordering="subject")
    def subject_line(self, message: InboundMessage) -> str:
        return str(message)

    @column("from", ordering="from_email")
    def sender(self, message: InboundMessage) -> str:
        return one_line(message.from_email, LONGEST_SHOWN)

    @column("the way it took")
    def way(self, message: InboundMessage) -> str:
        return steps_list(message.trace)

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundMessage]:
        rows: QuerySet[InboundMessage] = super().get_queryset(request)
        return rows.defer("text", "html", "headers")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[InboundMessage], search_term: str
    ) -> tuple[QuerySet[InboundMessage], bool]:
        """By its fields, as everywhere in the admin, or by the words of the mail, as its owner searches."""
        if not search_term:
            return queryset, False
        by_field, _ = super().get_search_results(request, InboundMessage.objects.all(), search_term)
        by_words = search(InboundMessage.objects.all(), search_term, organization=None)
        return queryset.filter(Q(pk__in=by_field.values("pk")) | Q(pk__in=by_words.values("pk"))), False

    @column(
        "disposition",
        ordering="disposition",
        colours={"delivered": "success", "held": "warning", "unroutable": "danger"},
    )
    def disposition_chip(self, message: InboundMessage) -> str:
        return message.disposition

    @column("parsed", ordering="parse_status", colours={"ok": "success", "partial": "warning", "failed": "danger"})
    def parse_chip(self, message: InboundMessage) -> str:
        return message.parse_status


@admin.register(Recipient)
class RecipientAdmin(LookOnlyAdmin):
    list_display = ("address", "message", "inbox", "is_waiting")
    list_filter = (("inbox", admin.EmptyFieldListFilter), "is_waiting")
    list_select_related = ("message", "inbox")
    search_fields = ("address", "message__public_id")


@admin.register(Attachment)
class AttachmentAdmin(LookOnlyAdmin):
    list_display = ("name", "content_type", "size", "is_inline", "message")
    list_filter = ("is_inline",)
    list_select_related = ("message",)
    search_fields = ("filename", "public_id", "message__public_id", "sha256")

    @column("filename", ordering="filename")
    def name(self, attachment: Attachment) -> str:
        return str(attachment)


@admin.register(DeletedMessage)
class DeletedMessageAdmin(LookOnlyAdmin):
    list_display = ("ses_message_id", "organization", "deleted_at")
    list_filter = ("deleted_at",)
    list_select_related = ("organization",)
    search_fields = ("ses_message_id", "organization__name")
    date_hierarchy = "deleted_at"


@admin.register(MailPolicy)
class MailPolicyAdmin(StaffAdmin):
    list_display = ("organization", "retention_days", "keeps_unknown_recipients")
    list_filter = ("keeps_unknown_recipients",)
    list_select_related = ("organization",)
    search_fields = ("organization__name", "organization__public_id")
    autocomplete_fields = ("organization",)

    def get_readonly_fields(self, request: HttpRequest, obj: MailPolicy | None = None) -> tuple[str, ...]:
        return ("organization",) if obj else ()

    def save_model(self, request: HttpRequest, obj: MailPolicy, form: object, change: bool) -> None:
        """By the verb of the organization's own settings page, so that the audit has it."""
        policy = set_mail_policy(
            organization=obj.organization,
            retention_days=obj.retention_days,
            keeps_unknown_recipients=obj.keeps_unknown_recipients,
            actor=staff_actor(request),
            now=timezone.now(),
        )
        obj.pk = policy.pk


class SendingFeedbackInline(LookOnlyInline):
    model = SendingFeedback
    fields = ("at", "kind", "recipient", "is_permanent", "detail")


@admin.register(SentMessage)
class SentMessageAdmin(LookOnlyAdmin):
    list_display = ("created_at", "domain", "organization", "from_address", "to_address", "status_chip", "error_line")
    list_filter = ("status", "message_class")
    list_select_related = ("domain", "organization")
    search_fields = ("public_id", "ses_message_id", "from_address", "to_address", "domain__name", "organization__name")
    date_hierarchy = "created_at"
    inlines = (SendingFeedbackInline,)

    @column("status", ordering="status", colours=SENT_COLOURS)
    def status_chip(self, message: SentMessage) -> str:
        return message.status

    @column("error")
    def error_line(self, message: SentMessage) -> str:
        return message.error[:80]


@admin.register(SendingFeedback)
class SendingFeedbackAdmin(LookOnlyAdmin):
    list_display = ("at", "kind_chip", "domain", "recipient", "is_permanent", "detail_line")
    list_filter = ("kind", "is_permanent")
    list_select_related = ("domain",)
    search_fields = ("ses_message_id", "recipient", "detail", "domain__name", "domain__public_id")
    date_hierarchy = "at"

    @column(
        "kind",
        ordering="kind",
        colours={"delivery": "success", "bounce": "danger", "complaint": "danger", "reject": "danger"},
    )
    def kind_chip(self, feedback: SendingFeedback) -> str:
        return feedback.kind

    @column("detail")
    def detail_line(self, feedback: SendingFeedback) -> str:
        return feedback.detail[:80]
