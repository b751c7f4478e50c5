"""What every service runs on: settings, lifecycle, HTTP, the map and fold loops."""
