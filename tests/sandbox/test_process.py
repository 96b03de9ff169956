"""The program: start, stop, taken ports, and what it still knows after a stop or a kill."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import dkim_records, eventually, free_port
from tests.sandbox_process import ROOT, SandboxProcess


def fill(sandbox: SandboxProcess) -> dict[str, Any]:
    """Something of everything; what a restart must not change."""
    v2, s3 = sandbox.client("sesv2"), sandbox.client("s3", "eu-west-1")
    tokens = v2.create_email_identity(EmailIdentity="acme.example")["DkimAttributes"]["Tokens"]
    sandbox.control("POST", "/_sandbox/publish", {"records": dkim_records("acme.example", tokens)})
    v2.create_tenant(TenantName="t1")
    s3.create_bucket(Bucket="incoming", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_policy(Bucket="incoming", Policy='{"Statement": []}')
    s3.put_object(Bucket="incoming", Key="in/1", Body=b"\xff\x00mail", Metadata={"by": "postern"})
    sns, sqs = sandbox.client("sns"), sandbox.client("sqs")
    topic = sns.create_topic(Name="mail", Attributes={"SignatureVersion": "2"})["TopicArn"]
    url = sqs.create_queue(QueueName="mail", Attributes={"VisibilityTimeout": "77"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="waiting")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:mail")
    ses = sandbox.client("ses")
    ses.create_receipt_rule_set(RuleSetName="ours")
    ses.create_receipt_rule(RuleSetName="ours", Rule={"Name": "all", "Enabled": True})
    ses.set_active_receipt_rule_set(RuleSetName="ours")
    route53 = sandbox.client("route53")
    zone = route53.create_hosted_zone(Name="globex.example", CallerReference="1")["HostedZone"]["Id"]
    record = {"Name": "*.globex.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.3"}]}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
    eventually(lambda: v2.get_email_identity(EmailIdentity="acme.example")["VerificationStatus"] == "SUCCESS")
    return {"zone": zone, "topic": topic, "queue": url}


def known(sandbox: SandboxProcess, made: dict[str, Any]) -> dict[str, Any]:
    v2, s3, sqs = sandbox.client("sesv2"), sandbox.client("s3"), sandbox.client("sqs")
    identity = v2.get_email_identity(EmailIdentity="acme.example")
    stored = s3.get_object(Bucket="incoming", Key="in/1")
    sets = sandbox.client("route53").list_resource_record_sets(HostedZoneId=made["zone"])["ResourceRecordSets"]
    attributes = sqs.get_queue_attributes(QueueUrl=made["queue"], AttributeNames=["All"])["Attributes"]
    return {
        "status": identity["VerificationStatus"],
        "tokens": identity["DkimAttributes"]["Tokens"],
        "tenant": v2.get_tenant(TenantName="t1")["Tenant"],
        "region": s3.get_bucket_location(Bucket="incoming")["LocationConstraint"],
        "policy": s3.get_bucket_policy(Bucket="incoming")["Policy"],
        "object": (stored["Body"].read(), stored["Metadata"], stored["LastModified"]),
        "subscriptions": sandbox.client("sns").list_subscriptions_by_topic(TopicArn=made["topic"])["Subscriptions"],
        "rules": sandbox.client("ses").describe_active_receipt_rule_set()["Rules"],
        "records": sorted((each["Name"], each["Type"], str(each["ResourceRecords"])) for each in sets),
        "queue": (attributes["VisibilityTimeout"], attributes["ApproximateNumberOfMessages"]),
        "certificate": (sandbox.folder / "trusted_certificates.json").read_text(),
    }


def test_a_stopped_sandbox_knows_everything_when_it_starts_again(make_sandbox: Callable[..., SandboxProcess]) -> None:
    first = make_sandbox()
    made = fill(first)
    before = known(first, made)
    assert first.stop() == 0
    assert known(make_sandbox(), made) == before


def test_a_killed_sandbox_knows_everything_a_second_later(make_sandbox: Callable[..., SandboxProcess]) -> None:
    first = make_sandbox()
    made = fill(first)
    before = known(first, made)
    index = first.folder / "stores.json"
    assert eventually(lambda: index.is_file() and "globex" in index.read_text() and "waiting" in index.read_text())
    state = first.folder / "state.json"
    assert eventually(lambda: state.is_file() and '"SUCCESS"' in state.read_text() and "ours" in state.read_text())
    first.kill()
    assert known(make_sandbox(), made) == before


def test_a_reset_forgets_all_but_the_key(
    make_sandbox: Callable[..., SandboxProcess],
) -> None:
    sandbox = make_sandbox()
    fill(sandbox)
    trusted = (sandbox.folder / "trusted_certificates.json").read_text()
    sandbox.reset()
    assert sandbox.client("sesv2").list_email_identities()["EmailIdentities"] == []
    assert sandbox.client("s3").list_buckets()["Buckets"] == []
    assert sandbox.client("route53").list_hosted_zones()["HostedZones"] == []
    assert "QueueUrls" not in sandbox.client("sqs").list_queues()
    sandbox.stop()
    again = make_sandbox()
    assert again.client("s3").list_buckets()["Buckets"] == []
    assert (sandbox.folder / "trusted_certificates.json").read_text() == trusted
    fill(again)
    again.stop()
    assert make_sandbox("--reset").client("s3").list_buckets()["Buckets"] == []


def test_it_stops_at_once_on_a_signal_though_others_hold_on(make_sandbox: Callable[..., SandboxProcess]) -> None:
    sandbox = make_sandbox()
    kept = [socket.create_connection(address) for address in (sandbox.smtp, ("127.0.0.1", sandbox.dns[1]))]
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        sns = sandbox.client("sns")
        topic = sns.create_topic(Name="mail")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        delivery, _ = silent.accept()
        # SandboxProcess kills what does not stop within five seconds, and then the code is not 0.
        assert sandbox.stop() == 0
        delivery.close()
    for connection in kept:
        connection.close()


@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ("--aws-port", socket.SOCK_STREAM),
        ("--dns-port", socket.SOCK_STREAM),
        ("--dns-port", socket.SOCK_DGRAM),
        ("--smtp-port", socket.SOCK_STREAM),
    ],
)
def test_a_taken_port_is_told_in_one_line(tmp_path: Any, option: str, kind: socket.SocketKind) -> None:
    with socket.socket(type=kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        ports = {"--aws-port": free_port(), "--dns-port": free_port(), "--smtp-port": free_port()}
        ports[option] = taken.getsockname()[1]
        command = [sys.executable, "-m", "sandbox", "--folder", str(tmp_path)]
        command += [str(word) for pair in ports.items() for word in pair]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 1
    assert str(ports[option]) in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_it_listens_on_loopback_alone(make_sandbox: Callable[..., SandboxProcess]) -> None:
    sandbox = make_sandbox()
    ports = {int(sandbox.aws_url.rpartition(":")[2]), sandbox.dns[1], sandbox.smtp[1]}
    with open("/proc/net/tcp") as table:
        rows = [line.split()[1].split(":") for line in table.readlines()[1:]]
    listening = [address for address, port in rows if int(port, 16) in ports]
    assert listening
    assert all(address.endswith("7F") for address in listening)


def test_the_index_page_names_every_control_route(make_sandbox: Callable[..., SandboxProcess]) -> None:
    import urllib.request

    with urllib.request.urlopen(make_sandbox().aws_url + "/_sandbox/", timeout=5) as answer:
        page = answer.read().decode()
    for route in ("ready", "state", "reset", "publish", "zones", "check", "clock", "mail", "faults", "calls"):
        assert route in page
