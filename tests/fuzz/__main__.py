"""Fuzz the contracts on a whole product of their own: `python -m tests.fuzz [contract ...]`.

Schemathesis makes the requests from each contract's document, some as it says and some not, most with ids of things
that there really are. No answer may be a 5xx, or be other than the document says. Ends non-zero on a finding, and
where fewer cases ran than should have.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config.local_settings import ensure_secrets, product_environment, read_ports
from tests.fuzz.world import Installation, build
from tests.running_product import environment_in, start, stop, wait_for

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
# By contract, how many examples an operation gets while it is fuzzed: where there are few operations, many.
EXAMPLES = {
    "ses_setups": 225,
    "email_domains": 48,
    "domains_service": 180,
    "custom_email": 520,
    "domains_by_name": 66,
}
# Side by side; each contract for an organization of its own.
LANES = (("ses_setups", "domains_service"), ("email_domains", "custom_email", "domains_by_name"))
FEWEST_CASES = 2000
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)


@dataclass(frozen=True)
class Outcome:
    """One contract's run."""

    contract: str
    cases: int
    is_clean: bool
    seconds: float
    log: Path

    @property
    def is_good(self) -> bool:
        return self.is_clean and self.cases >= FEWEST_CASES


def organization(contract: str, environment: dict[str, str], folder: Path) -> Installation:
    """The product as a new organization sees it."""
    ports, secrets = read_ports(environment), ensure_secrets(folder)
    environment = product_environment(
        inherited=environment,
        ports=ports,
        folder=folder,
        secret_key=secrets["secret_key"],
        encryption_key=secrets["encryption_key"],
    )
    command = [sys.executable, "manage.py", "create_organization", contract, "--owner", f"{contract}@fuzz.example"]
    made = json.loads(subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True).stdout)
    smtp = ("127.0.0.1", ports.smtp)
    return Installation(ports.web_url, ports.aws_url, smtp, key=made["api_key"], workspace_id=made["workspace_id"])


def write_configuration(world: dict[str, list[str]], folder: Path) -> None:
    folder.mkdir()
    shutil.copy(FOLDER / "schemathesis.toml", folder)
    for word, values in world.items():
        (folder / f"{word}.dict").write_text("".join(f'"{value}"\n' for value in values))


def fuzz(contract: str, environment: dict[str, str], folder: Path, *, seed: int) -> Outcome:
    at = organization(contract, environment, folder / "var")
    folder = folder / contract
    own_key = at.call("GET", "/v1/api_keys")[-1]["id"]
    world = build(at, contract.replace("_", "-"))
    write_configuration(world, folder)
    kept = [own_key, *(values[0] for word, values in world.items() if word.endswith("_id"))]
    command = [
        SCHEMATHESIS, "--config-file", "schemathesis.toml", "run", f"{at.url}/api/schema/{contract}.json",
        "--origin", at.url, "--header", f"Authorization: Bearer {at.key}", "--checks", ",".join(CHECKS),
        "--max-examples", str(EXAMPLES[contract]), "--seed", str(seed), "--continue-on-failure",
        "--phases", "examples,coverage,fuzzing", "--generation-database", "none", "--request-timeout", "30",
        "--report-json-path", "report.json", "--warnings", "off", "--no-color",
    ]  # fmt: skip
    hooks = {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "FUZZ_KEPT": ",".join(kept)}
    began = time.monotonic()
    with (folder / "log").open("wb") as log:
        subprocess.run(command, cwd=folder, env={**os.environ, **hooks}, stdout=log, stderr=log, check=False)
    seconds = time.monotonic() - began
    report = folder / "report.json"
    told = json.loads(report.read_text()) if report.exists() else {"exit_code": 1, "test_cases": {"generated": 0}}
    return Outcome(contract, told["test_cases"]["generated"], told["exit_code"] == 0, seconds, folder / "log")


def run_lane(lane: Iterable[str], environment: dict[str, str], folder: Path, *, seed: int) -> list[Outcome]:
    return [fuzz(contract, environment, folder, seed=seed) for contract in lane]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the contracts.")
    parser.add_argument("contracts", nargs="*", metavar="contract", help="all where none is named")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--keep", help="a new folder for the logs and the data, which stays")
    options = parser.parse_args(arguments)
    folder = Path(options.keep or tempfile.mkdtemp(prefix="postern-fuzz-")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # Whoever ends this ends the product too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a SIGTERM"))
    lanes = [[each for each in lane if each in (options.contracts or lane)] for lane in LANES]
    environment = environment_in(folder / "var")
    process = start(environment, folder / "product.log")
    try:
        wait_for("Postern is ready", folder / "product.log", process)
        with ThreadPoolExecutor(len(lanes)) as pool:
            running = [pool.submit(run_lane, lane, environment, folder, seed=options.seed) for lane in lanes]
            outcomes = [outcome for lane in running for outcome in lane.result()]
    finally:
        stop(process)
    for each in outcomes:
        if not each.is_clean:
            print(each.log.read_text())
    for each in outcomes:
        verdict = "clean" if each.is_good else "FINDINGS" if not each.is_clean else f"fewer than {FEWEST_CASES} cases"
        print(f"{each.contract}: {each.cases} cases in {each.seconds:.0f} s, {verdict}")
    print(f"seed {options.seed}, all of it in {folder}")
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
