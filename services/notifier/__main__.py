"""`python -m services.notifier`."""

from services.notifier.settings import Settings
from services.notifier.wiring import start
from zarathustra.runtime.lifecycle import run_service

if __name__ == "__main__":
    run_service("notifier", Settings, start)
