"""A job ends when nobody has renewed its lease for a while, and not before."""

import time
from pathlib import Path

from chai_resources.executors import lease
from chai_resources.executors.lease import Lease, LeaseWatch
from chai_resources.media import Media


def test_a_lease_holds_while_its_run_lives_and_lapses_after(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(lease, "RENEW_S", 0.02)
    media = Media(root=str(tmp_path))
    watch = LeaseWatch(media, "jobs/j/lease", patience_s=0.5)
    with Lease(media, "jobs/j/lease", every_s=0.05):
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            assert not watch.lapsed()
            time.sleep(0.02)
    while not watch.lapsed():
        time.sleep(0.02)


def test_a_lease_that_nobody_ever_took_lapses_too(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(lease, "RENEW_S", 0.0)
    watch = LeaseWatch(Media(root=str(tmp_path)), "jobs/j/lease", patience_s=0.1)
    assert not watch.lapsed()
    time.sleep(0.15)
    assert watch.lapsed()
