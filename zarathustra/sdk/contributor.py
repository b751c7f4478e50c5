"""What contributors do: check parameters, commit to them with the bond, reveal them, withdraw the reward.

Between commit and reveal only the contributor knows the salt. A contributor that loses it cannot reveal and loses the
bond. So the salt is drawn first and returned as a `Ticket`, which the contributor stores before the commit is sent.
"""

import json
import secrets
from dataclasses import asdict, dataclass, replace

from zarathustra.core.digests import commitment
from zarathustra.core.types import ZERO_ADDRESS, Address, Cid, ProjectId, SubmissionIndex, Wei
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.limits import MAX_ARCHITECTURE_BYTES
from zarathustra.formats.parameters import parse_parameters
from zarathustra.sdk.client import Client
from zarathustra.sdk.payments import prepare_payment


@dataclass(frozen=True)
class Ticket:
    """The values that reveal a commitment. `index` is None until the commit is mined."""

    project_id: ProjectId
    parameters_cid: Cid
    salt: bytes
    index: SubmissionIndex | None = None

    def to_json(self) -> str:
        """Return the ticket as JSON, for a file. Keep the file secret until the reveal."""
        return json.dumps({**asdict(self), "salt": "0x" + self.salt.hex()}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Ticket":
        document = json.loads(text)
        return cls(**{**document, "salt": bytes.fromhex(document["salt"].removeprefix("0x"))})


async def add_parameters(client: Client, project_id: ProjectId, parameters: bytes) -> Cid:
    """Check the parameters against the project's architecture and add them to the store.

    Raises Invalid with the reason for which operators would refuse them, before anything is paid.
    """
    project = await client.reader.market.fetch_project(project_id)
    architecture = await client.reader.artefacts.fetch(
        project.params.architecture_cid, max_bytes=MAX_ARCHITECTURE_BYTES
    )
    parse_parameters(parameters, parse_architecture(architecture).tensors)
    return await client.writer.add(parameters)


def draw_ticket(project_id: ProjectId, parameters_cid: Cid) -> Ticket:
    """Return a ticket with a new random salt. Store it before you commit."""
    return Ticket(project_id, parameters_cid, secrets.token_bytes(32))


async def commit(client: Client, ticket: Ticket) -> Ticket:
    """Pay the bond and enter the hidden challenger. Return the ticket with the submission's index.

    In a token, the market is first allowed to take the bond. Raises as `prepare_payment`.
    """
    project = await client.reader.market.fetch_stored_project(ticket.project_id)
    deployment = client.reader.deployment
    hidden = commitment(
        deployment.chain_id,
        deployment.model_submission,
        ticket.project_id,
        client.address,
        ticket.parameters_cid,
        ticket.salt,
    )
    value = await prepare_payment(client, project.token, project.bond)
    return replace(ticket, index=await client.market.commit(ticket.project_id, hidden, value=value))


async def reveal(client: Client, ticket: Ticket) -> SubmissionIndex:
    """Reveal the committed parameters. At the head of the project this also opens the task, if possible."""
    if ticket.index is None:
        raise ValueError("the ticket is not committed yet")
    await client.market.reveal(ticket.project_id, ticket.index, ticket.parameters_cid, ticket.salt)
    return ticket.index


async def withdraw(client: Client, *, token: Address = ZERO_ADDRESS, to: Address | None = None) -> Wei:
    """Withdraw the account's whole credit in `token`, and return the amount."""
    return await client.market.withdraw(token, to or client.address)
