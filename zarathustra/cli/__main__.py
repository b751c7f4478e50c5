"""`python -m zarathustra.cli`: the command without its installed script."""

from zarathustra.cli.main import main

main()
