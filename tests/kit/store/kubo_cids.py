"""Write `tests/golden/cids.json` with a real Kubo: its CIDs of files of the sizes where DAGs change shape.

IPFS_API_URL=http://127.0.0.1:5001 python -m tests.kit.store.kubo_cids

Our own builder is not used. Nothing is stored on the node (`only-hash`).
"""

import json
import os

import requests

from tests.kit.paths import GOLDEN
from tests.kit.store.samples import CONTENT_RULE, GOLDEN_LAYOUTS, GOLDEN_SIZES, make_content
from zarathustra.store.unixfs import Layout

GOLDEN_PATH = GOLDEN / "cids.json"


def main() -> None:
    api = os.environ["IPFS_API_URL"].rstrip("/") + "/api/v0"
    version = requests.post(f"{api}/version", timeout=10).json()["Version"]
    files = [
        {"size": size, **{name: hash_file(api, size, layout) for name, layout in GOLDEN_LAYOUTS.items()}}
        for size in GOLDEN_SIZES
    ]
    golden = {"made_by": f"Kubo {version}", "content": CONTENT_RULE, "files": files}
    GOLDEN_PATH.write_text(json.dumps(golden, indent=2) + "\n")


def hash_file(api: str, size: int, layout: Layout) -> str:
    options = {
        "only-hash": "true",
        "cid-version": str(layout.version),
        "raw-leaves": str(layout.raw_leaves).lower(),
    }
    upload = {"file": ("sample", make_content(size), "application/octet-stream")}
    response = requests.post(f"{api}/add", params=options, files=upload, timeout=120)
    response.raise_for_status()
    return str(json.loads(response.text.splitlines()[-1])["Hash"])


if __name__ == "__main__":
    main()
