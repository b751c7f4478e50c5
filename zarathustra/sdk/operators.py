"""What operators do on chain: register with stake and a proof of possession, seal the operator set, claim fees."""

from zarathustra.chain.contracts import Registration
from zarathustra.core.digests import Domain, key_hash, possession_digest
from zarathustra.core.types import Address, OperatorId, SetVersion, Slot, Wei
from zarathustra.sdk.client import Client
from zarathustra.signing.bls import BlsBackend
from zarathustra.signing.keys import BlsSecretKey


async def register_operator(
    client: Client,
    backend: BlsBackend,
    *,
    bls_key: BlsSecretKey,
    signing_address: OperatorId,
    rewards_receiver: Address,
    stake: Wei,
) -> Slot:
    """Register an operator with the chain's coin as stake. The client's account becomes the owner of the stake."""
    deployment = client.reader.deployment
    encoded_key = backend.g1_to_eip2537(backend.public_key(bls_key))
    domain = Domain(deployment.chain_id, deployment.governance)
    digest = possession_digest(domain, client.address, signing_address, key_hash(encoded_key))
    proof = backend.prove_possession(bls_key, digest)
    registration = Registration(
        bls_key=encoded_key,
        possession=backend.g2_to_eip2537(proof),
        signing_key=signing_address,
        rewards_receiver=rewards_receiver,
        stake=stake,
    )
    return await client.governance.register_operator(registration, value=stake)


async def seal_operator_set(client: Client) -> SetVersion:
    """Seal the active operators as the next version of the set. Any account may do this, and pays the gas."""
    return await client.governance.seal_operator_set()


async def claim_fees(client: Client, operator: OperatorId) -> None:
    """Credit the operator's unclaimed attester fees to its rewards receiver. Any account may do this."""
    await client.center.claim(operator, await client.reader.market.fetch_settlement_count())
