"""Content-addressed artefacts: verified reads, the embedded store, writes to an IPFS node."""
