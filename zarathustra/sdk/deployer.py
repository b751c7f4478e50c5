"""What a deployer does: deploy all contracts, and keep the result in a file that is checked before anything is paid."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from zarathustra.chain.deploy import Step, deploy
from zarathustra.chain.deploy_parameters import DeploymentParameters
from zarathustra.chain.deployment import DeploymentRecord
from zarathustra.chain.port import Receipt
from zarathustra.chain.rpc import HttpRpc, validate_chain_id
from zarathustra.chain.transactions import DEFAULT_POLL_S, Sender
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.sdk.client import log_intent
from zarathustra.signing.keys import EcdsaSecretKey

PUBLIC: Final = 0o644  # others run services with the file
WriteFile = Callable[[str], None]


async def deploy_contracts(
    rpc_urls: Sequence[str],
    key: EcdsaSecretKey,
    parameters: DeploymentParameters,
    *,
    chain_id: int,
    on_step: Callable[[Step, Receipt], None],
    poll_seconds: float = DEFAULT_POLL_S,
) -> DeploymentRecord:
    """Deploy all contracts and compare them with the chain. Raises as `chain.deploy.deploy`.

    Also raises Invalid(BAD_SETTING), before anything is sent, when the node is of another chain than `chain_id`.
    """
    async with HttpRpc(rpc_urls, chain_id=chain_id) as rpc:
        await validate_chain_id(rpc, chain_id)
        sender = Sender(rpc, key.reveal(), chain_id=chain_id, on_intent=log_intent, poll_s=poll_seconds)
        return await deploy(sender, rpc, parameters, chain_id=chain_id, on_step=on_step)


@contextmanager
def reserve_file(path: Path, *, is_overwriting: bool = False) -> Iterator[WriteFile]:
    """Check that `path` can be written, and give the function that writes it whole or not at all.

    Raises Invalid(BAD_SETTING) at once: when the file exists, unless `is_overwriting`, and when its folder takes no
    file. Nothing is left behind if the function is not called.
    """
    if path.exists() and not is_overwriting:
        raise Invalid(Reason.BAD_SETTING, "file exists", path=path)
    if path.is_dir():
        raise Invalid(Reason.BAD_SETTING, "a folder has that name", path=path)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise Invalid(Reason.BAD_SETTING, "create file", path=path, cause=error.strerror) from error
    draft, file = Path(name), os.fdopen(descriptor, "w", encoding="utf-8")

    def write(text: str) -> None:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        draft.chmod(PUBLIC)
        draft.replace(path)

    try:
        yield write
    finally:
        file.close()
        draft.unlink(missing_ok=True)
