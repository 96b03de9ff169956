"""`.env.example` and `docs/production.md` name every setting, and nothing else; the guide names what AWS must allow."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

from botocore.session import Session

from domains import checks
from domains.shapes import SHAPES

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = (ROOT / "docs/production.md").read_text()
OF_COMPOSE = {"POSTGRES_PASSWORD"}
SERVICES = {"ses": "ses", "sesv2": "ses", "sns": "sns", "sqs": "sqs", "s3": "s3", "route53": "route53", "sts": "sts"}
# What AWS asks for in place of the operation's own name, where it does.
ASKS_FOR = {
    "s3:HeadObject": ["s3:GetObject"],
    "s3:CopyObject": ["s3:GetObject", "s3:PutObject"],
    "s3:HeadBucket": ["s3:ListBucket"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "sts:GetCallerIdentity": [],
    # For an emulator without SESv2.
    "ses:DeleteIdentity": [],
    "ses:CreateEmailIdentity": ["ses:CreateEmailIdentity", "ses:TagResource"],
}


def settings_read() -> set[str]:
    return set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', (ROOT / "config/settings.py").read_text()))


def test_every_setting_is_in_the_example() -> None:
    shown = re.findall(r"^#?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert settings_read() | OF_COMPOSE == set(shown)


def test_every_setting_is_in_a_table_of_the_guide() -> None:
    shown = re.findall(r"^\| `([A-Z0-9_]+)` \| [^|]+ \| [^|]+ \|$", PRODUCTION, re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert settings_read() == set(shown)


def test_every_check_is_in_the_guide() -> None:
    source = Path(checks.__file__).read_text() + (ROOT / "config/environment.py").read_text()
    ids = {shape.id for shape in SHAPES} | set(re.findall(r"postern\.[EW]\d{3}", source))
    shown = re.findall(r"\b[EW]0\d\d\b", PRODUCTION.partition("## When it does not start")[2])
    assert {id.removeprefix("postern.") for id in ids} == set(shown)


def _policies() -> list[dict[str, Any]]:
    blocks = re.findall(r"^```json\n(.*?)^```", PRODUCTION, re.MULTILINE | re.DOTALL)
    return [policy for policy in map(json.loads, blocks) if "Statement" in policy]


def _operations_called() -> set[str]:
    """Every operation of AWS that stands in a string of the gateway, with its service's prefix."""
    session = Session()
    of_service = {name: set(session.get_service_model(name).operation_names) for name in SERVICES}
    called = set()
    for path in (ROOT / "aws").glob("*.py"):
        texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        for service, operations in of_service.items():
            if f'"{service}"' in path.read_text() or f"_{service}(" in path.read_text():
                called |= {f"{SERVICES[service]}:{operation}" for operation in texts & operations}
    return called


def test_the_policies_of_the_guide_allow_what_is_called_and_no_more() -> None:
    needed = {action for operation in _operations_called() for action in ASKS_FOR.get(operation, [operation])}
    allowed: set[str] = set()
    for policy in _policies():
        for statement in policy["Statement"]:
            actions = statement["Action"]
            allowed |= {actions} if isinstance(actions, str) else set(actions)
    assert allowed == needed
