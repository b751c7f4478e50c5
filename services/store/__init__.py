"""Store: keeps artefacts in a directory and serves them through a part of an IPFS node's API."""
