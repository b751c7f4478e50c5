"""`python -m services.indexer`."""

from services.indexer.settings import Settings
from services.indexer.wiring import start
from zarathustra.runtime.lifecycle import run_service

if __name__ == "__main__":
    run_service("indexer", Settings, start)
