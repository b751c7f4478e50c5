"""`zarathustra reason`: the meaning of a reason code."""

import click

from zarathustra.core.reasons import Reason


@click.command()
@click.argument("code")
def reason(code: str) -> None:
    """Explain a reason code from a log, a metric, a dead letter or a report."""
    try:
        known = Reason.from_code(code)
    except KeyError:
        raise click.BadParameter(f"no reason has the code {code!r}") from None
    click.echo(f"{known.code}: {known.short}\n{known.long}")
