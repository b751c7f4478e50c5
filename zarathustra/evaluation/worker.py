"""The jailed inference worker: a process of its own that scores one model after another, and can do nothing else.

Started by `sandbox` as `python -m zarathustra.evaluation.worker <socket fd> <parent pid>` with an empty environment.

    import torch → run every op once → close what is not needed → jail → greet → job, answer, job, … → EOF: exit

Whatever loads lazily must have loaded before the jail: inside it no file can be opened.
"""

import os
import socket
import sys
from functools import lru_cache

if __name__ == "__main__":
    # Before numpy: its BLAS reads them once, and starts threads that Landlock would not cover.
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})

import numpy as np
import torch

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Seed
from zarathustra.evaluation import jail, warmup
from zarathustra.evaluation.architecture import Architecture, parse_architecture
from zarathustra.evaluation.evaluator import parse_evaluator, validate_work
from zarathustra.evaluation.frames import JOB_HEADER, Job, encode_answer
from zarathustra.evaluation.model import validate_count
from zarathustra.evaluation.parameters import parse_parameters
from zarathustra.evaluation.rounds import configure_torch, score_model

MEMORY_BYTES = (
    1536 * 1024 * 1024
)  # above what is loaded: 512 MiB of activations, two copies of 64 MiB of weights, slack
MAX_CACHED_ARCHITECTURES = 8  # champion and challenger share one, and so do a project's tasks; values are immutable


def main(descriptor: int, parent: int) -> None:
    """Serve jobs on the socket `descriptor` until it closes."""
    jail.die_with(parent)
    configure_torch()
    warmup.run_every_op()
    connection = socket.socket(fileno=descriptor)
    _close_others(descriptor)
    try:
        jail.enter(memory_bytes=MEMORY_BYTES, parent=parent)
    except (Retry, OSError) as error:  # OSError: a limit or a file of /proc that this system refuses
        connection.sendall(encode_answer({"message": str(error)}))
        raise SystemExit(1) from error

    versions = {"torch": torch.__version__, "numpy": np.__version__, "cpu": _CPU}
    _write(descriptor, encode_answer({"versions": versions}))
    while True:
        _write(descriptor, encode_answer(_answer(_read_job(descriptor))))


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


def _read_job(descriptor: int) -> Job:
    header = JOB_HEADER.unpack(_read(descriptor, JOB_HEADER.size))
    architecture, evaluator, parameters = (_read(descriptor, length) for length in header[:3])
    return Job(architecture, evaluator, parameters, header[3], Seed(header[4]))


def _read(descriptor: int, length: int) -> bytes:
    """Exactly `length` bytes; the process ends when the parent has closed its end."""
    received = bytearray()
    while len(received) < length:
        chunk = os.read(descriptor, min(length - len(received), 1 << 20))
        if not chunk:
            raise SystemExit(0)
        received += chunk
    return bytes(received)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _close_others(descriptor: int) -> None:
    """Keep the socket; let output vanish, as strangers' models could fill the operator's log with it."""
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (0, 1, 2, descriptor):
            _close_if_open(int(name))


def _close_if_open(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:  # the one that listed the folder is closed already
        return


_CPU = torch.backends.cpu.get_cpu_capability()

if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
