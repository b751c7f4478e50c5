"""The chain as operators see it: JSON-RPC, log scan, task reader, transactions."""
