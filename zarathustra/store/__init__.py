"""Content-addressed artefacts: verified reads, blocks on disk, writes to an IPFS node."""
