"""The services. Each only joins parts of the library; they talk through topics and never import each other."""
