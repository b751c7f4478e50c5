"""Size limits of artefacts. They bound what a stranger's file makes an operator fetch and hold in memory.

They are not in the readers' modules, because services that only fetch must not import numpy.
"""

MAX_ARCHITECTURE_BYTES = 256 * 1024
MAX_EVALUATOR_BYTES = 64 * 1024
MAX_PARAMETERS_BYTES = 64 * 1024 * 1024
MAX_REPORT_BYTES = 4096
