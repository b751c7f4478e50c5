"""Waiting for the chain to say what became of a project or a submission."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from zarathustra.core.project import Project, ProjectStatus, Submission, SubmissionStatus
from zarathustra.core.types import ProjectId, SubmissionIndex
from zarathustra.sdk.client import Reader

POLL_SECONDS = 0.5

T = TypeVar("T")


async def wait_for_project_open(reader: Reader, project_id: ProjectId) -> Project:
    """The project once its baseline has settled; it may also have been cancelled by it."""
    return await _poll(
        lambda: reader.market.fetch_project(project_id),
        lambda project: project.status not in (ProjectStatus.NONE, ProjectStatus.BASELINE),
    )


async def wait_for_outcome(reader: Reader, project_id: ProjectId, index: SubmissionIndex) -> Submission:
    """The submission once it is final. Every state has a timed exit, so this ends; bound it by `asyncio.timeout`."""
    return await _poll(
        lambda: reader.market.fetch_submission(project_id, index),
        lambda submission: submission.status is SubmissionStatus.FINAL,
    )


async def _poll(fetch: Callable[[], Awaitable[T]], is_done: Callable[[T], bool]) -> T:
    while not is_done(value := await fetch()):
        await asyncio.sleep(POLL_SECONDS)
    return value
