"""Whether the committed protobuf code is what `make generate` would write now."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tools.paths import ROOT

PROTO = ROOT / "proto"
GENERATED = ROOT / "zarathustra" / "v1"


def main() -> int:
    """Exit status 1, with the names, when a file differs."""
    with tempfile.TemporaryDirectory() as folder:
        sources = sorted(str(path) for path in PROTO.rglob("*.proto"))
        command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(PROTO)]
        subprocess.run([*command, f"--python_out={folder}", f"--pyi_out={folder}", *sources], check=True)
        fresh = {path.name: path.read_bytes() for path in Path(folder).rglob("*_pb2.py*")}
    committed = {path.name: path.read_bytes() for path in GENERATED.glob("*_pb2.py*")}
    stale = sorted(name for name in fresh | committed if fresh.get(name) != committed.get(name))
    if stale:
        print(f"stale, run `make generate`: {', '.join(stale)}")
        return 1
    print(f"{len(fresh)} generated files are current")
    return 0


if __name__ == "__main__":
    sys.exit(main())
