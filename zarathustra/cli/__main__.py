"""`python -m zarathustra.cli`, where the script is not installed."""

from zarathustra.cli.main import main

main()
