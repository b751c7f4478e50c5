"""Show projects, enter submissions, withdraw credit, deploy and administrate, create topics, explain reason codes.

Options or environment variables name the network and the account: ZARATHUSTRA_NETWORK, ZARATHUSTRA_KEY_FILE,
ZARATHUSTRA_KEY_PASSWORD_FILE. If a command fails, it prints the reason code, its explanation, and the meaning of the
contract's error if there is one. Exit status: 0 done; 1 refused or failed, also for a wrong setting or deployment;
2 wrong usage; 3 a node or service did not answer, so try again later.
"""

import sys
from collections.abc import Sequence

import click

from zarathustra.cli.administrator.admin import admin
from zarathustra.cli.contributor.account import account
from zarathustra.cli.contributor.submission import submission
from zarathustra.cli.errors import describe_error, find_status
from zarathustra.cli.operator.topics import topics
from zarathustra.cli.owner.project import project
from zarathustra.cli.reader.reason import reason
from zarathustra.core.errors import ZarathustraError
from zarathustra.telemetry.log import configure_logging


@click.group(help=__doc__)
@click.option("--log-level", default="WARNING", show_default=True, help="Level of the JSON log on standard error.")
def cli(log_level: str) -> None:
    configure_logging("cli", level=log_level)


for command in (project, submission, account, admin, topics, reason):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """The script's entry point. `arguments`: those of the process by default."""
    try:
        cli(arguments, prog_name="zarathustra")
    except ZarathustraError as error:
        click.echo(describe_error(error), err=True)
        sys.exit(find_status(error))


if __name__ == "__main__":
    main()
