"""What contributors do: check parameters, commit to them with the bond, reveal them, take the reward out.

Between commit and reveal only the contributor knows the salt: who loses it loses the bond. So it is drawn first and
handed out as a `Ticket` to keep, then the commit is sent.
"""

import json
import secrets
from dataclasses import asdict, dataclass, replace

from zarathustra.core.digests import commitment
from zarathustra.core.project import ProjectParams
from zarathustra.core.types import ZERO_ADDRESS, Address, Cid, ProjectId, SubmissionIndex, Wei
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.limits import MAX_ARCHITECTURE_BYTES
from zarathustra.formats.parameters import parse_parameters
from zarathustra.sdk.client import Client


@dataclass(frozen=True)
class Ticket:
    """What opens a commitment. `index` is known once the commit is mined."""

    project_id: ProjectId
    parameters_cid: Cid
    salt: bytes
    index: SubmissionIndex | None = None

    def to_json(self) -> str:
        """For a file of the contributor's; it is a secret until the reveal."""
        return json.dumps({**asdict(self), "salt": "0x" + self.salt.hex()}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Ticket":
        document = json.loads(text)
        return cls(**{**document, "salt": bytes.fromhex(document["salt"].removeprefix("0x"))})


async def add_parameters(client: Client, project_id: ProjectId, parameters: bytes) -> Cid:
    """Check the parameters against the project's architecture and add them to the store.

    Raises Invalid with the reason for which operators would refuse them: before anything is paid.
    """
    project = await client.reader.market.fetch_project(project_id)
    architecture = await client.reader.artefacts.fetch(
        project.params.architecture_cid, max_bytes=MAX_ARCHITECTURE_BYTES
    )
    parse_parameters(parameters, parse_architecture(architecture).tensors)
    return await client.writer.add(parameters)


def draw_ticket(project_id: ProjectId, parameters_cid: Cid) -> Ticket:
    """A ticket with a fresh salt. Keep it before committing."""
    return Ticket(project_id, parameters_cid, secrets.token_bytes(32))


async def commit(client: Client, ticket: Ticket) -> Ticket:
    """Pay the bond and enter the hidden challenger; returns the ticket with its place in the queue."""
    params: ProjectParams = (await client.reader.market.fetch_project(ticket.project_id)).params
    deployment = client.reader.deployment
    hidden = commitment(
        deployment.chain_id,
        deployment.model_submission,
        ticket.project_id,
        client.address,
        ticket.parameters_cid,
        ticket.salt,
    )
    value = params.bond if params.token == ZERO_ADDRESS else Wei(0)
    return replace(ticket, index=await client.market.commit(ticket.project_id, hidden, value=value))


async def reveal(client: Client, ticket: Ticket) -> SubmissionIndex:
    """Show what was committed; at the head of the queue this opens the task."""
    if ticket.index is None:
        raise ValueError("the ticket was not committed yet")
    await client.market.reveal(ticket.project_id, ticket.index, ticket.parameters_cid, ticket.salt)
    return ticket.index


async def withdraw(client: Client, *, token: Address = ZERO_ADDRESS, to: Address | None = None) -> Wei:
    """Take out everything the market owes the account."""
    return await client.market.withdraw(token, to or client.address)
