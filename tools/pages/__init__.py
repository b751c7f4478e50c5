"""The text of every generated page, one module each: pure functions over what the code declares."""
