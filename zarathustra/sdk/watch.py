"""Waits until the chain shows the result of a project's baseline or of a submission."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from zarathustra.core.project import Project, ProjectStatus, Submission, SubmissionStatus
from zarathustra.core.types import ProjectId, SubmissionIndex
from zarathustra.sdk.client import Reader

POLL_SECONDS = 0.5

T = TypeVar("T")


async def wait_for_project_open(reader: Reader, project_id: ProjectId) -> Project:
    """Wait until the project's baseline is final, and return the project. It may be CANCELLED instead of OPEN."""
    return await _poll(
        lambda: reader.market.fetch_project(project_id),
        lambda project: project.status not in (ProjectStatus.NONE, ProjectStatus.BASELINE),
    )


async def wait_for_outcome(reader: Reader, project_id: ProjectId, index: SubmissionIndex) -> Submission:
    """Wait until the submission is final, and return it.

    Every state ends after a number of blocks, if keepers act. Use `asyncio.timeout` to limit the wait.
    """
    return await _poll(
        lambda: reader.market.fetch_submission(project_id, index),
        lambda submission: submission.status is SubmissionStatus.FINAL,
    )


async def _poll(fetch: Callable[[], Awaitable[T]], is_done: Callable[[T], bool]) -> T:
    while not is_done(value := await fetch()):
        await asyncio.sleep(POLL_SECONDS)
    return value
