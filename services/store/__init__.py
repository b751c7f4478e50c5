"""Store: keeps artefacts in a directory and serves them as an IPFS node would."""
