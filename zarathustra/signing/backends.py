"""Choose the implementation of the curve by name. Separate from the port, which both implementations import."""

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.signing.bls import BlsBackend

FAST = "fast"
REFERENCE = "py_ecc"
BACKENDS = (FAST, REFERENCE)


def load_backend(name: str) -> BlsBackend:
    """Load the backend of that name: `fast` for production, `py_ecc` as the slow reference.

    Imports only that backend: py_ecc takes a second to import, and raises the interpreter's recursion limit.
    """
    if name == FAST:
        from zarathustra.signing.bls_fast import FastBls

        return FastBls()
    if name == REFERENCE:
        from zarathustra.signing.bls_py_ecc import PyEccBls

        return PyEccBls()
    raise Invalid(Reason.BAD_SETTING, "unknown BLS backend", name=name, known=", ".join(BACKENDS))
