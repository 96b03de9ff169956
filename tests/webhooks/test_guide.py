"""The verifying code of the guide verifies what is really sent, in every language that this machine has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from webhooks.events import CATALOGUE
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.signing import new_secret, signed_headers

GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
BODY = '{"type":"inbox.created","data":{"name":"Größe 😀"}}'
# Read {"secret", "headers", "body"}, say "verified" or "refused".
COMMANDS = {"js": ["node", "-e"], "php": ["php", "-r"], "ruby": ["ruby", "-e"]}
LAST_LINES = {
    "js": """
const asked = JSON.parse(require("fs").readFileSync(0));
try { verified(asked.secret, asked.headers, asked.body); console.log("verified"); }
catch (error) { console.log("refused"); }
""",
    "php": """
$asked = json_decode(stream_get_contents(STDIN), true);
try { verified($asked["secret"], $asked["headers"], $asked["body"]); echo "verified"; }
catch (Exception $error) { echo "refused"; }
""",
    "ruby": """
asked = JSON.parse($stdin.read)
begin verified(asked["secret"], asked["headers"], asked["body"]); puts "verified"
rescue RuntimeError; puts "refused" end
""",
}
Verify = Callable[[dict[str, Any]], str]


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


@pytest.fixture(params=["python", *COMMANDS])
def verify(request: pytest.FixtureRequest) -> Verify:
    language = request.param
    if language == "python":
        return in_python
    command = COMMANDS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} on this machine")
    program = block(language) + LAST_LINES[language]

    def run(asked: dict[str, Any]) -> str:
        done = subprocess.run([*command, program], input=json.dumps(asked), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def in_python(asked: dict[str, Any]) -> str:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    try:
        names["verified"](asked["secret"], asked["headers"], asked["body"].encode())
    except names["Webhook"].verify.__globals__["WebhookVerificationError"]:
        return "refused"
    return "verified"


def sent(*keys: str, at: datetime | None = None) -> dict[str, Any]:
    headers = signed_headers(event_id="evt_1", body=BODY, keys=keys, now=at or datetime.now(UTC))
    return {"secret": keys[0], "headers": headers, "body": BODY}


def test_what_is_sent_is_verified(verify: Verify) -> None:
    assert verify(sent(new_secret())) == "verified"


def test_either_of_two_secrets_verifies(verify: Verify) -> None:
    new, old = new_secret(), new_secret()
    assert verify(sent(new, old) | {"secret": old}) == "verified"


def test_another_secret_does_not(verify: Verify) -> None:
    assert verify(sent(new_secret()) | {"secret": new_secret()}) == "refused"


def test_a_changed_body_does_not(verify: Verify) -> None:
    assert verify(sent(new_secret()) | {"body": BODY + " "}) == "refused"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_or_future_request_does_not(minutes: int, verify: Verify) -> None:
    assert verify(sent(new_secret(), at=datetime.now(UTC) + timedelta(minutes=minutes))) == "refused"


@pytest.mark.parametrize(
    "word", [*CATALOGUE, *WebhookDelivery.Status.values, *WebhookEndpoint.Reason.values, "webhook.test"]
)
def test_the_guide_names_every_word_that_an_answer_may_hold(word: str) -> None:
    assert f"`{word}`" in GUIDE
