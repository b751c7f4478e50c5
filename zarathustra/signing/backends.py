"""Which implementation of the curve signs and verifies: a setting. Apart from the port, which both of them import."""

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.signing.bls import BlsBackend

FAST = "fast"
REFERENCE = "py_ecc"
BACKENDS = (FAST, REFERENCE)


def load_backend(name: str) -> BlsBackend:
    """The backend of that setting: `fast` for production, `py_ecc` as the slow oracle.

    Imported when asked for: py_ecc takes a second to import, and raises the interpreter's recursion limit.
    """
    if name == FAST:
        from zarathustra.signing.bls_fast import FastBls

        return FastBls()
    if name == REFERENCE:
        from zarathustra.signing.bls_py_ecc import PyEccBls

        return PyEccBls()
    raise Invalid(Reason.BAD_SETTING, "unknown BLS backend", name=name, known=", ".join(BACKENDS))
