"""The folders that mail lies in while it is worked on: gone afterwards, and those of killed workers in the end."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from inbound import scratch
from inbound.scratch import LEFT_OVER_SECONDS, remove_left_over, scratch_folder


def make(parent: Path, name: str, *, age: float) -> Path:
    folder = parent / name
    (folder / "attachments").mkdir(parents=True)
    (folder / "attachments" / "0").write_bytes(b"a customer's offer")
    (folder / "mail").write_bytes(b"Subject: secret\r\n\r\n")
    os.utime(folder, (time.time() - age,) * 2)
    return folder


def test_what_a_killed_worker_left_is_removed_and_what_is_in_use_or_anothers_stays(tmp_path: Path) -> None:
    left = make(tmp_path, "postern-mail-left", age=LEFT_OVER_SECONDS + 60)
    in_use = make(tmp_path, "postern-mail-used", age=LEFT_OVER_SECONDS - 600)
    foreign = make(tmp_path, "others-mail-left", age=LEFT_OVER_SECONDS + 60)
    elsewhere = make(tmp_path / "elsewhere", "kept", age=LEFT_OVER_SECONDS + 60)
    link = tmp_path / "postern-mail-link"
    link.symlink_to(elsewhere)
    os.utime(link, (time.time() - LEFT_OVER_SECONDS - 60,) * 2, follow_symlinks=False)
    assert remove_left_over(tmp_path) == 1
    assert not left.exists()
    assert all(each.exists() for each in (in_use, foreign, link, elsewhere / "mail"))


def test_what_belongs_to_another_user_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = make(tmp_path, "postern-mail-left", age=LEFT_OVER_SECONDS + 60)
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    assert remove_left_over(tmp_path) == 0
    assert left.exists()


def test_a_process_looks_before_its_first_mail_and_once_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch._Look, "next_at", float("-inf"))
    first = make(tmp_path, "postern-mail-first", age=LEFT_OVER_SECONDS + 60)
    with scratch_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
        assert not first.exists()
        second = make(tmp_path, "postern-mail-second", age=LEFT_OVER_SECONDS + 60)
        with scratch_folder():
            assert second.exists()
    assert list(tmp_path.iterdir()) == [second]
    monkeypatch.setattr(scratch._Look, "next_at", time.monotonic())
    with scratch_folder():
        assert not second.exists()
