"""What strangers publish, checked without torch: architectures, parameters, evaluators and reports."""
