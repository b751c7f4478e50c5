"""Measures how fast the BLS backends verify, and what the batch check saves: `python benchmarks/bls.py`.

Ratios differ less between machines than milliseconds do. Each figure is the best of a few runs.
"""

import time
from collections.abc import Callable

from zarathustra.core.types import Digest
from zarathustra.signing.backends import BACKENDS, load_backend
from zarathustra.signing.bls import BlsBackend, Signed, find_invalid, is_batch_valid
from zarathustra.signing.keys import BlsSecretKey

DIGEST = Digest(b"\x5a" * 32)
MAX_SIGNERS = 1_000
FAST_RUNS, SLOW_RUNS = 20, 2


def main() -> None:
    fast, reference = (load_backend(name) for name in BACKENDS)
    signed = sign_all(fast, MAX_SIGNERS)
    fast_ms = print_verify(fast, "fast", signed[0], FAST_RUNS)
    reference_ms = print_verify(reference, "py_ecc", signed[0], SLOW_RUNS)
    print(f"fast is {reference_ms / fast_ms:.0f} x as fast as py_ecc\n")

    for count in (100, MAX_SIGNERS):
        print_batch(fast, signed[:count])
    print_bisection(fast, signed[:128])


def sign_all(backend: BlsBackend, count: int) -> list[Signed]:
    secrets = [BlsSecretKey.from_int(number) for number in range(1, count + 1)]
    return [Signed(backend.public_key(secret), backend.sign(secret, DIGEST)) for secret in secrets]


def print_verify(backend: BlsBackend, name: str, one: Signed, runs: int) -> float:
    elapsed_ms = measure_ms(lambda: backend.verify(one.public_key, DIGEST, one.signature), runs)
    print(f"{name:>7}: verify one {elapsed_ms:8.2f} ms")
    return elapsed_ms


def print_batch(backend: BlsBackend, signed: list[Signed]) -> None:
    def verify_each() -> None:
        for one in signed:
            backend.verify(one.public_key, DIGEST, one.signature)

    batch_ms = measure_ms(lambda: is_batch_valid(backend, DIGEST, signed), 3)
    each_ms = measure_ms(verify_each, 1)
    print(
        f"{len(signed):>5} signatures: batch {batch_ms:7.1f} ms, one by one {each_ms:7.1f} ms, "
        f"batch is {each_ms / batch_ms:.1f} x as fast"
    )


def print_bisection(backend: BlsBackend, signed: list[Signed]) -> None:
    """Print what one bad signature costs in a full operator set (128)."""
    bad = [*signed[:77], Signed(signed[77].public_key, signed[78].signature), *signed[78:]]
    valid_ms = measure_ms(lambda: is_batch_valid(backend, DIGEST, signed), 3)
    bisect_ms = measure_ms(lambda: find_invalid(backend, DIGEST, bad), 3)
    assert find_invalid(backend, DIGEST, bad) == (77,)
    print(f"  128 signatures: one bad one is named in {bisect_ms / valid_ms:.1f} x the time of a valid batch")


def measure_ms(call: Callable[[], object], runs: int) -> float:
    """Return the shortest of `runs`: other work of the machine only adds time."""
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best * 1_000


if __name__ == "__main__":
    main()
