"""How large an artefact may be: what a stranger's file can make an operator fetch and hold.

Apart from the readers, because services that only fetch must not import numpy.
"""

MAX_ARCHITECTURE_BYTES = 256 * 1024
MAX_EVALUATOR_BYTES = 64 * 1024
MAX_PARAMETERS_BYTES = 64 * 1024 * 1024
MAX_REPORT_BYTES = 4096
