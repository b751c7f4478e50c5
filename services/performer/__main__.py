"""`python -m services.performer`."""

from services.performer.settings import Settings
from services.performer.wiring import start
from zarathustra.runtime.lifecycle import run_service

if __name__ == "__main__":
    run_service("performer", Settings, start)
