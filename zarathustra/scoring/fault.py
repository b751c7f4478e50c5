"""Decides whose fault a failure is. The champion is scored first and alone, so a later failure is the challenger's."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from zarathustra.core.errors import Invalid
from zarathustra.core.outcomes import Code
from zarathustra.core.types import Micro
from zarathustra.scoring.jobs import ScoringJob, Versions
from zarathustra.wire.evaluator import EvaluateRequest, EvaluateResult

Score = Callable[[ScoringJob], Awaitable[tuple[Micro, ...]]]


async def evaluate(score: Score, request: EvaluateRequest, versions: Versions) -> EvaluateResult:
    """Score the champion, then the challenger.

    Returns EVALUATOR_FAILED if the champion fails, INVALID if only the challenger fails. A Retry is not caught, because
    it says nothing about either model.
    """
    job = ScoringJob(request.architecture, request.evaluator, request.champion, request.rounds, request.seed)
    try:
        champion = await score(job)
    except Invalid as error:
        return _conclude(Code.EVALUATOR_FAILED, error, (), versions)

    if request.challenger == request.champion:  # the baseline task, or a copy: equal bytes have equal scores
        return _succeed(champion, champion, versions)
    try:
        challenger = await score(replace(job, parameters=request.challenger))
    except Invalid as error:
        return _conclude(Code.INVALID, error, champion, versions)
    return _succeed(champion, challenger, versions)


def _succeed(champion: tuple[Micro, ...], challenger: tuple[Micro, ...], versions: Versions) -> EvaluateResult:
    return EvaluateResult(
        Code.VALID, None, champion, challenger, torch=versions.torch, numpy=versions.numpy, cpu=versions.cpu
    )


def _conclude(code: Code, error: Invalid, champion: tuple[Micro, ...], versions: Versions) -> EvaluateResult:
    return EvaluateResult(
        code, error.reason, champion, (), torch=versions.torch, numpy=versions.numpy, cpu=versions.cpu
    )
