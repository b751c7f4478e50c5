"""What owners, contributors and operators call."""
