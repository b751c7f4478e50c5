"""What every service runs on: settings, lifecycle, health, HTTP, signed records and the map loop."""
