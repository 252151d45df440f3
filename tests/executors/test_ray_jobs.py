"""How a run follows a job: units come as they are published, and the store is seldom asked."""

from pathlib import Path

from ray.job_submission import JobDetails, JobStatus, JobType

from chai_resources.captioners.protocol import Result
from chai_resources.executors.ray_captioner import _State, as_published
from chai_resources.executors.units import UnitStore
from chai_resources.media import Media


def test_units_are_listed_every_few_seconds_and_the_last_one_is_not_late(tmp_path: Path):
    listed: list[float] = []
    now = [0.0]

    class Counted(UnitStore):
        def published(self) -> list[str]:
            listed.append(now[0])
            return super().published()

    store = Counted(Media(root=str(tmp_path)), "b")
    due = {7.0: "unit_1", 62.5: "unit_2", 63.5: "unit_3"}

    def look() -> _State:
        for at in [at for at in due if at <= now[0]]:
            store.publish(due.pop(at), [Result("req_1", "model", "1", text="It pans.")])
        status = JobStatus.RUNNING if due else JobStatus.SUCCEEDED
        return _State(JobDetails(type=JobType.SUBMISSION, status=status, entrypoint="work"))

    def sleep(seconds: float) -> None:
        now[0] += seconds

    left = {"unit_1", "unit_2", "unit_3", "never"}
    following = as_published(store, left, look, clock=lambda: now[0], sleep=sleep)
    units = [(unit, now[0]) for unit in following]
    assert sorted(unit for unit, _ in units) == ["unit_1", "unit_2", "unit_3"]
    assert left == {"never"}
    assert now[0] == 64, "as soon as the job has ended"
    assert len(listed) <= 64 / 5 + 2
    assert units[0][1] - 7 <= 5
