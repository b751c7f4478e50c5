"""`python -m services.aggregator`."""

from services.aggregator.settings import Settings
from services.aggregator.wiring import start
from zarathustra.runtime.lifecycle import run_service

if __name__ == "__main__":
    run_service("aggregator", Settings, start)
