"""`python -m services.store`."""

from services.store.settings import Settings
from services.store.wiring import start
from zarathustra.runtime.lifecycle import run_service

if __name__ == "__main__":
    run_service("store", Settings, start)
