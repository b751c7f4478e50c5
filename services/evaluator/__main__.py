from services.evaluator.settings import Settings
from services.evaluator.wiring import start
from zarathustra.runtime.lifecycle import run_service

run_service("evaluator", Settings, start)
