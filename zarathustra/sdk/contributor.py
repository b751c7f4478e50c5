"""What contributors do: check parameters, commit to them with the bond, reveal them, withdraw the reward.

Between commit and reveal only the contributor knows the salt. A contributor that loses it cannot reveal and loses the
bond. So a `Ticket` with the salt is drawn first, and kept before the commit is sent (`tickets`). Every later step can
be repeated: it asks the chain first what is done.
"""

from typing import Final

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.project import SubmissionStatus
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO_ADDRESS, Address, BlockNumber, Cid, ProjectId, SubmissionIndex, Wei
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.limits import MAX_ARCHITECTURE_BYTES
from zarathustra.formats.parameters import parse_parameters
from zarathustra.sdk.client import Client, Reader
from zarathustra.sdk.payments import prepare_payment
from zarathustra.sdk.tickets import Ticket, draw_salt

REORGANISED_BLOCKS: Final = 128  # the commit may be in an earlier block than the head at which its ticket was drawn


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


async def draw_ticket(
    client: Client, project_id: ProjectId, parameters_cid: Cid, *, salt: bytes | None = None
) -> Ticket:
    """Return a new ticket of the client's account, by default with a random salt. Keep it before you commit."""
    deployment = client.reader.deployment
    return Ticket(
        chain_id=deployment.chain_id,
        market=deployment.model_submission,
        contributor=client.address,
        project_id=project_id,
        parameters_cid=parameters_cid,
        salt=draw_salt() if salt is None else salt,
        drawn_at=await client.reader.tasks.fetch_block_number(),
    )


async def find_submission(reader: Reader, ticket: Ticket) -> SubmissionIndex | None:
    """Return the index of the submission that the ticket's commitment entered; None if it is not on the chain."""
    first = BlockNumber(max(reader.deployment.deployed_at, ticket.drawn_at - REORGANISED_BLOCKS))
    return await reader.market.find_submission(ticket.project_id, ticket.commitment, first)


async def commit(client: Client, ticket: Ticket) -> SubmissionIndex:
    """Pay the bond and enter the hidden challenger; return the submission's index. Called again, it pays nothing.

    In a token, the market is first allowed to take the bond. Raises as `prepare_payment`.
    """
    _require_own(client, ticket)
    index = await find_submission(client.reader, ticket)
    if index is not None:
        return index  # before the payment is prepared: the account may not hold a second bond
    project = await client.reader.market.fetch_stored_project(ticket.project_id)
    value = await prepare_payment(client, project.token, project.bond)
    while True:
        # The nonce is fixed before the chain is asked. If an earlier commit of this ticket is still on its way, it has
        # the same nonce, and only one of both can be mined.
        await client.sender.fetch_next_nonce()
        index = await find_submission(client.reader, ticket)
        if index is not None:
            return index
        try:
            return await client.market.commit(ticket.project_id, ticket.commitment, value=value)
        except Retry as error:
            if "is_nonce_taken" not in error.details:
                raise


async def reveal(client: Client, ticket: Ticket, index: SubmissionIndex) -> None:
    """Reveal the committed parameters, if they are not revealed yet.

    At the head of the project this also opens the task, if possible.
    """
    _require_own(client, ticket)
    submission = await client.reader.market.fetch_submission(ticket.project_id, index)
    if submission.status is SubmissionStatus.COMMITTED:
        await client.market.reveal(ticket.project_id, index, ticket.parameters_cid, ticket.salt)


def _require_own(client: Client, ticket: Ticket) -> None:
    """Raise Invalid(BAD_TICKET) for the ticket of another account or network."""
    deployment = client.reader.deployment
    ours = (deployment.chain_id, deployment.model_submission, client.address)
    if (ticket.chain_id, ticket.market, ticket.contributor) != ours:
        raise Invalid(
            Reason.BAD_TICKET,
            "the ticket belongs to another account or network",
            chain_id=ticket.chain_id,
            contributor="0x" + ticket.contributor.hex(),
        )


async def withdraw(client: Client, *, token: Address = ZERO_ADDRESS, to: Address | None = None) -> Wei:
    """Withdraw the account's whole credit in `token`, and return the amount."""
    return await client.market.withdraw(token, to or client.address)
