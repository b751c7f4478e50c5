"""An operator's view of its own chain and of the task at hand."""
