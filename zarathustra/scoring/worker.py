"""The jailed worker: a separate process that scores one model after another.

`scorer` starts it as `python -m zarathustra.scoring.worker <socket fd> <parent pid>` with an empty environment. The
worker imports torch and runs every op once before `sandbox.worker` jails it: nothing can be loaded inside the jail.
"""

import os
import sys
from functools import lru_cache

if __name__ == "__main__":
    # Before numpy is imported: its BLAS reads them once, and would start threads that Landlock does not restrict.
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
from zarathustra.scoring.jobs import ScoringJob, read_job
from zarathustra.scoring.model import validate_count
from zarathustra.scoring.rounds import configure_torch, score_model

# Beyond what is loaded: 512 MiB of activations, 256 MiB for a 64 MiB file and its tensors in both dtypes, a reserve.
MEMORY_BYTES = 1536 * 1024 * 1024
MAX_CACHED_ARCHITECTURES = 8  # champion and challenger, and all tasks of a project, share one; values are immutable


def main(descriptor: int, parent: int) -> None:
    """Prepare and jail this process, then score the jobs from the socket `descriptor` until it closes."""
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


def score_job(job: ScoringJob) -> list[int]:
    """Compute the model's integer scores, one per round. Raises Invalid with the reason why it has none."""
    architecture = _get_architecture(job.architecture)
    evaluator = parse_evaluator(job.evaluator)
    validate_work(architecture, evaluator, job.rounds)
    tensors = parse_parameters(job.parameters, architecture.tensors)
    return [*score_model(architecture, evaluator, tensors, seed=job.seed, rounds=job.rounds)]


@lru_cache(maxsize=MAX_CACHED_ARCHITECTURES)
def _get_architecture(raw: bytes) -> Architecture:
    return validate_count(parse_architecture(raw))


def _answer(job: ScoringJob) -> dict[str, object]:
    try:
        return {"scores": score_job(job)}
    except Invalid as error:
        return {"reason": error.reason.code}
    except MemoryError:
        return {"reason": Reason.MEMORY.code}
    except IndexError:  # an Embedding got an index outside its table
        return {"reason": Reason.OUT_OF_RANGE.code}
    except RuntimeError as error:  # torch's class for all other errors
        is_memory = "allocate" in str(error)
        return {"reason": (Reason.MEMORY if is_memory else Reason.CRASH).code}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
