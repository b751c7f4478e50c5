"""`python -m services.validator`."""

from services.validator.settings import Settings
from services.validator.wiring import start
from zarathustra.runtime.lifecycle import run_service

if __name__ == "__main__":
    run_service("validator", Settings, start)
