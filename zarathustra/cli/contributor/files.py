"""Read what a contributor names on the command line. A file is measured before it is read."""

from pathlib import Path
from typing import Final

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.limits import MAX_PARAMETERS_BYTES

# How files of other formats begin, what they are, and how to export from them.
OTHER_FORMATS: Final = (
    (b"PK\x03\x04", "a zip archive, as torch.save and numpy.savez write it"),
    (b"\x80", "a pickle, as old versions of torch.save write it"),
    (b"\x93NUMPY", "a numpy array"),
    (b"\x89HDF", "an HDF5 file"),
)
HINT: Final = "export with safetensors: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"


def read_parameters(path: Path) -> bytes:
    """Return the content of a parameters file.

    Raises Invalid: OVERSIZE above the limit, BAD_HEADER for a file of another format, UNREADABLE for anything that is
    no file or cannot be read.
    """
    try:
        if not path.is_file():
            raise Invalid(Reason.UNREADABLE, "not a file", path=path)
        size = path.stat().st_size
        if size > MAX_PARAMETERS_BYTES:
            raise Invalid(
                Reason.OVERSIZE, "parameters are too large", path=path, bytes=size, limit=MAX_PARAMETERS_BYTES
            )
        content = path.read_bytes()
    except OSError as error:
        raise Invalid(Reason.UNREADABLE, "read parameters", path=path, error=error.strerror) from error
    for magic, name in OTHER_FORMATS:
        if content.startswith(magic):
            raise Invalid(Reason.BAD_HEADER, f"found {name}, wanted a safetensors file; {HINT}", path=path)
    return content
