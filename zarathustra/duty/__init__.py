"""An operator's view of its own chain, and its evaluation of tasks."""
