"""The real pool and the real work on tracks, except that some titles kill their worker."""

from collections.abc import Callable, Generator, Iterable

import misbehave

from curate.building.work import Job, Outcome, process
from curate.engine import Done
from curate.engine.local import LocalEngine


class Crashing(LocalEngine):
    """Tracks whose title is a kind of failure do not go well."""

    def map(
        self, function: Callable[[Job], Outcome], jobs: Iterable[Job]
    ) -> Generator[Done[Job, Outcome]]:
        assert function is process
        yield from super().map(track, jobs)


def track(job: Job) -> Outcome:
    if job.track.title in misbehave.KINDS:
        misbehave.KINDS[job.track.title]()
    return process(job)
