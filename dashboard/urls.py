"""The customers' pages by address."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from dashboard import (
    adding,
    challenges,
    dns_hosts,
    dns_today,
    domains,
    drift,
    hand_over,
    inboxes,
    keys,
    live,
    mail_settings,
    message_parts,
    messages,
    organizations,
    publishing,
    simulator,
    trial_mails,
    webhooks,
    zone_files,
)

app_name = "dashboard"

domain_urls = [
    # /app/domains/...
    path("domains", domains.domain_list, name="domains"),
    path("domains/add", adding.add_domain, name="add_domain"),
    path("domains/<str:public_id>", domains.domain_page, name="domain"),
    path("domains/<str:public_id>/live", live.domain_fragment, name="domain_live"),
    path("domains/<str:public_id>/row", live.domain_row, name="domain_row"),
    path("domains/<str:public_id>/check", domains.check_domain_now, name="check_domain"),
    path("domains/<str:public_id>/suspend", domains.suspend, name="suspend_domain"),
    path("domains/<str:public_id>/drift/<str:drift_id>/<str:verb>", drift.act, name="drift"),
    path("domains/<str:public_id>/resume", domains.resume, name="resume_domain"),
    path("domains/<str:public_id>/remove", domains.remove, name="remove_domain"),
    path("domains/<str:public_id>/inboxes", inboxes.create, name="create_inbox"),
    path("domains/<str:public_id>/mail-from", dns_today.set_mail_from, name="set_mail_from"),
    path("domains/<str:public_id>/zone-file", zone_files.zone_file, name="zone_file"),
    path("domains/<str:public_id>/publishing", publishing.preview, name="publishing"),
    path("domains/<str:public_id>/publishing/apply", publishing.apply, name="apply_publishing"),
    path("domains/<str:public_id>/publishing/undo", publishing.undo, name="undo_publishing"),
    path("domains/<str:public_id>/hand-over", hand_over.create, name="create_hand_over"),
    path("domains/<str:public_id>/hand-over/<str:link_id>/revoke", hand_over.revoke, name="revoke_hand_over"),
    path("domains/<str:public_id>/test-mails", trial_mails.mails_page, name="test_mails"),
    path("domains/<str:public_id>/test-mails/sent", trial_mails.sent_fragment, name="sent_mails"),
    path("domains/<str:public_id>/test-mails/send", trial_mails.send, name="send_test_mail"),
    path("inboxes/<str:public_id>/delete", inboxes.delete, name="delete_inbox"),
]

challenge_urls = [
    # /app/challenges/...
    path("challenges", challenges.challenge_list, name="challenges"),
    path("challenges/new", challenges.new_challenge, name="new_challenge"),
    path("challenges/<str:public_id>", challenges.challenge_page, name="challenge"),
    path("challenges/<str:public_id>/live", challenges.challenge_fragment, name="challenge_live"),
    path("challenges/<str:public_id>/look", challenges.look, name="look_at_challenge"),
    path("challenges/<str:public_id>/withdraw", challenges.take_back, name="withdraw_challenge"),
]

message_urls = [
    # /app/messages/...
    path("messages", messages.message_list, name="messages"),
    path("messages/new", live.new_messages, name="new_messages"),
    path("messages/where-would-it-go", simulator.where_page, name="simulator"),
    path("messages/<str:public_id>", messages.message_page, name="message"),
    path("messages/<str:public_id>/frame", message_parts.message_frame, name="message_frame"),
    path("messages/<str:public_id>/raw", message_parts.raw, name="message_raw"),
    path("messages/<str:public_id>/delete", messages.delete, name="delete_message"),
    path("messages/<str:public_id>/attachments/<str:attachment_id>", message_parts.attachment, name="attachment"),
]

webhook_urls = [
    # /app/webhooks/...
    path("webhooks", webhooks.endpoint_list, name="webhooks"),
    path("webhooks/<str:public_id>", webhooks.endpoint_page, name="webhook"),
    path("webhooks/<str:public_id>/deliveries", webhooks.deliveries, name="webhook_deliveries"),
    path("webhooks/<str:public_id>/change", webhooks.change, name="change_webhook"),
    path("webhooks/<str:public_id>/switch", webhooks.switch, name="switch_webhook"),
    path("webhooks/<str:public_id>/secret", webhooks.new_secret, name="new_webhook_secret"),
    path("webhooks/<str:public_id>/test", webhooks.test, name="test_webhook"),
    path("webhooks/<str:public_id>/replay", webhooks.replay_many, name="replay_webhook"),
    path("webhooks/<str:public_id>/delete", webhooks.delete, name="delete_webhook"),
    path("deliveries/<str:public_id>/replay", webhooks.replay_one, name="replay_delivery"),
]

hand_over_urls = [
    # /app/hand-over/..., without sign-in
    path("hand-over/<str:token>", hand_over.page, name="hand_over"),
    path("hand-over/<str:token>/live", hand_over.live, name="hand_over_live"),
    path("hand-over/<str:token>/check", hand_over.check, name="check_hand_over"),
]

dns_host_urls = [
    # /app/dns-hosts/...
    path("dns-hosts", dns_hosts.host_list, name="dns_hosts"),
    path("dns-hosts/route53", dns_hosts.begin_role, name="begin_dns_role"),
    path("dns-hosts/route53/role", dns_hosts.add_role, name="add_dns_role"),
    path("dns-hosts/cloudflare", dns_hosts.add_token, name="add_dns_token"),
    path("dns-hosts/<str:public_id>/try", dns_hosts.try_again, name="try_dns_host"),
    path("dns-hosts/<str:public_id>/remove", dns_hosts.remove, name="remove_dns_host"),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="dashboard:domains"), name="start"),
    *domain_urls,
    *challenge_urls,
    *message_urls,
    *hand_over_urls,
    *dns_host_urls,
    *webhook_urls,
    path("keys", keys.key_list, name="keys"),
    path("keys/<int:key_id>/revoke", keys.revoke, name="revoke_key"),
    path("settings/mail", mail_settings.mail_settings, name="mail_settings"),
    path("organization", organizations.switch, name="switch"),
]
