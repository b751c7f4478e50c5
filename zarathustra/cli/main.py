"""Show projects, enter submissions, withdraw credit, create topics, and explain reason codes.

Options or environment variables name the network and the account: ZARATHUSTRA_NETWORK, ZARATHUSTRA_KEY_FILE,
ZARATHUSTRA_KEY_PASSWORD_FILE. If a command fails, it prints the reason code and its explanation, and exits with 1.
"""

import sys

import click

from zarathustra.cli.contributor.account import account
from zarathustra.cli.contributor.submission import submission
from zarathustra.cli.operator.topics import topics
from zarathustra.cli.owner.project import project
from zarathustra.cli.reader.reason import reason
from zarathustra.core.errors import ZarathustraError
from zarathustra.telemetry.log import configure_logging


@click.group(help=__doc__)
@click.option("--log-level", default="WARNING", show_default=True, help="Level of the JSON log on standard error.")
def cli(log_level: str) -> None:
    configure_logging("cli", level=log_level)


for command in (project, submission, account, topics, reason):
    cli.add_command(command)


def main() -> None:
    """The script's entry point."""
    try:
        cli(prog_name="zarathustra")
    except ZarathustraError as error:
        click.echo(f"zarathustra: {error}\n{error.reason.long}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
