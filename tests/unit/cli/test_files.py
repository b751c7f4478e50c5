"""Parameter files as contributors name them: measured first, and told how to export."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.kit.scoring.artefacts import square_parameters
from zarathustra.cli.contributor.files import read_parameters
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.limits import MAX_PARAMETERS_BYTES

pytestmark = pytest.mark.unit


def refused(path: Path) -> Invalid:
    with pytest.raises(Invalid) as caught:
        read_parameters(path)
    return caught.value


def test_read__safetensors__is_the_content(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(square_parameters())
    assert read_parameters(path) == square_parameters()


def test_read__three_gibibytes__is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate(3 << 30)  # sparse: to read it would take gigabytes of memory
    error = refused(path)
    assert error.reason is Reason.OVERSIZE
    assert (error.details["bytes"], error.details["limit"]) == (3 << 30, MAX_PARAMETERS_BYTES)


def test_read__torch_and_numpy_files__say_how_to_export(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "model.pt")
    torch.save({"a": torch.zeros(1)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    np.savez(tmp_path / "model.npz", a=np.zeros(1))
    np.save(tmp_path / "model.npy", np.zeros(1))
    for name in ("model.pt", "old.pt", "model.npz", "model.npy"):
        error = refused(tmp_path / name)
        assert error.reason is Reason.BAD_HEADER
        assert "safetensors" in error.message


def test_read__no_plain_file__is_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # to read it would wait until somebody writes
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe"):
        assert refused(path).reason is Reason.UNREADABLE
