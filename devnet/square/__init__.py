"""The example of the demo: a small MLP learns f(x) = x²."""
