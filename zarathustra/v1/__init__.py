"""Generated from `proto/`; import only through `zarathustra.wire`."""
