"""`zarathustra admin`: every command of those who deploy and administrate a network."""

import click

from zarathustra.cli.administrator.calls import (
    admit,
    close_registration,
    eject,
    expel,
    open_registration,
    pause,
    resolve,
    unpause,
)
from zarathustra.cli.administrator.deploy import deploy
from zarathustra.cli.administrator.operations import cancel, execute, operations
from zarathustra.cli.administrator.params import params
from zarathustra.cli.administrator.roles import check, roles


@click.group()
def admin() -> None:
    """Deploy the contracts and administrate them: operators, settings, the pause, disputes.

    A call is made at once if your account may make it. If the timelock may and your account can propose to it, the call
    is scheduled, and executed by a second command once the timelock's delay is over. `zarathustra admin roles` shows
    the holders of each role. Every command but `deploy` first compares the contracts with the network
    file.
    """


for command in (
    deploy,
    check,
    roles,
    params,
    admit,
    expel,
    eject,
    open_registration,
    close_registration,
    pause,
    unpause,
    resolve,
    operations,
    execute,
    cancel,
):
    admin.add_command(command)
