"""`make devnet`: a network that keeps running, with an open project and the commands to take part in it."""

import asyncio
import contextlib
from pathlib import Path

from rich.console import Console

from devnet.demo import TERMS, open_account
from devnet.example import FOLDER, TRAINING_SCRIPT, load_artefacts
from devnet.network import Devnet
from devnet.processes import ROOT
from zarathustra.chain.addresses import format_address
from zarathustra.sdk.owner import publish_project
from zarathustra.sdk.watch import wait_for_project_open
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.keystore import KeystoreCost, save_ecdsa_keystore

HINTS = """
The network runs; Ctrl-C stops it. Project {project} is f(x) = x². In another terminal:

  source .venv/bin/activate
  export ZARATHUSTRA_NETWORK={network}
  export ZARATHUSTRA_KEY_FILE={key}
  export ZARATHUSTRA_KEY_PASSWORD_FILE={password}

  zarathustra project show {project}
  python {script} {architecture} my-model.safetensors --seconds 5
  zarathustra submission submit {project} my-model.safetensors --wait
  zarathustra account withdraw

Projects can also be in the development token {token}; the account holds some of it.
logs: {logs}
"""


async def stay_up(devnet: Devnet, console: Console) -> None:
    """Publish the example project, print how to take part, and wait until stopped."""
    key_file, password_file = await create_contributor(devnet)
    async with contextlib.AsyncExitStack() as stack:
        owner = await stack.enter_async_context(open_account(devnet))
        project_id = await publish_project(owner, load_artefacts(), TERMS)
        await wait_for_project_open(owner.reader, project_id)
    console.print(
        HINTS.format(
            project=project_id,
            network=devnet.network_file,
            key=key_file,
            password=password_file,
            script=TRAINING_SCRIPT.relative_to(ROOT),
            architecture=(FOLDER / "architecture.json").relative_to(ROOT),
            token=format_address(devnet.token.address),
            logs=devnet.directory / "logs",
        ),
        highlight=False,
        soft_wrap=True,
    )
    await asyncio.Event().wait()


async def create_contributor(devnet: Devnet) -> tuple[Path, Path]:
    """Create a funded account for the user. Return its keystore and its password file."""
    key = EcdsaSecretKey.generate()
    await devnet.fund(compute_address(key))
    key_file = devnet.directory / "development-contributor.json"
    password_file = devnet.directory / "development-contributor-password"
    password_file.touch(mode=0o600)
    password_file.write_text("development")
    save_ecdsa_keystore(key_file, key, "development", cost=KeystoreCost.DEVELOPMENT)
    return key_file, password_file
