"""The jailed inference worker: a process of its own that scores one model after another, and can do nothing else.

Started by `scorer` as `python -m zarathustra.scoring.worker <socket fd> <parent pid>` with an empty environment. It
imports torch and runs every op once before `sandbox.worker` jails it: inside the jail nothing more can be loaded.
"""

import os
import sys
from functools import lru_cache

if __name__ == "__main__":
    # Before numpy: its BLAS reads them once, and starts threads that Landlock would not cover.
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})

import numpy as np
import torch

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.architecture import Architecture, parse_architecture
from zarathustra.formats.evaluator import parse_evaluator, validate_work
from zarathustra.formats.parameters import parse_parameters
from zarathustra.sandbox import jail
from zarathustra.sandbox.worker import serve_jailed
from zarathustra.scoring import warmup
from zarathustra.scoring.jobs import Job, read_job
from zarathustra.scoring.model import validate_count
from zarathustra.scoring.rounds import configure_torch, score_model

MEMORY_BYTES = (
    1536 * 1024 * 1024
)  # above what is loaded: 512 MiB of activations, two copies of 64 MiB of weights, slack
MAX_CACHED_ARCHITECTURES = 8  # champion and challenger share one, and so do a project's tasks; values are immutable


def main(descriptor: int, parent: int) -> None:
    """Serve jobs on the socket `descriptor` until it closes."""
    jail.die_with(parent)
    configure_torch()
    warmup.run_every_op()
    versions = {"torch": torch.__version__, "numpy": np.__version__, "cpu": torch.backends.cpu.get_cpu_capability()}
    serve_jailed(
        descriptor,
        parent,
        lambda read: _answer(read_job(read)),
        greeting={"versions": versions},
        memory_bytes=MEMORY_BYTES,
    )


def score_job(job: Job) -> list[int]:
    """The integer scores of the job's model. Raises Invalid with the reason it has none."""
    architecture = _get_architecture(job.architecture)
    evaluator = parse_evaluator(job.evaluator)
    validate_work(architecture, evaluator, job.rounds)
    tensors = parse_parameters(job.parameters, architecture.tensors)
    return [*score_model(architecture, evaluator, tensors, seed=job.seed, rounds=job.rounds)]


@lru_cache(maxsize=MAX_CACHED_ARCHITECTURES)
def _get_architecture(raw: bytes) -> Architecture:
    return validate_count(parse_architecture(raw))


def _answer(job: Job) -> dict[str, object]:
    try:
        return {"scores": score_job(job)}
    except Invalid as error:
        return {"reason": error.reason.code}
    except MemoryError:
        return {"reason": Reason.MEMORY.code}
    except IndexError:  # an embedding was asked for a row it does not have
        return {"reason": Reason.OUT_OF_RANGE.code}
    except RuntimeError as error:  # torch's only class of error
        is_memory = "allocate" in str(error)
        return {"reason": (Reason.MEMORY if is_memory else Reason.CRASH).code}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
