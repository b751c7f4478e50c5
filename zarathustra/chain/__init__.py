"""Access to the chain: JSON-RPC, log scan, task reader, transactions."""
