"""What operators do on chain: register with stake and a proof of possession, seal the operator set, claim fees."""

from dataclasses import dataclass

from zarathustra.chain.contracts import Registration
from zarathustra.chain.port import Deployment
from zarathustra.core.digests import Domain, consent_digest, key_hash, possession_digest
from zarathustra.core.types import Address, EcdsaSignature, OperatorId, SetVersion, Slot, Wei
from zarathustra.sdk.client import Client
from zarathustra.signing.bls import BlsBackend
from zarathustra.signing.ecdsa import compute_address, sign_digest
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey


@dataclass(frozen=True)
class SigningConsent:
    """A signing key's consent to serve an owner with a BLS key. The signing key's host makes it."""

    signing_address: OperatorId
    signature: EcdsaSignature


def consent_to_owner(
    deployment: Deployment, signing_key: EcdsaSecretKey, *, owner: Address, bls_key_eip2537: bytes
) -> SigningConsent:
    """Sign the consent of a signing key. `bls_key_eip2537`: the operator's public BLS key in 128 bytes."""
    domain = Domain(deployment.chain_id, deployment.governance)
    digest = consent_digest(domain, owner, key_hash(bls_key_eip2537))
    return SigningConsent(OperatorId(compute_address(signing_key)), sign_digest(signing_key, digest))


async def register_operator(
    client: Client,
    backend: BlsBackend,
    *,
    bls_key: BlsSecretKey,
    consent: SigningConsent,
    rewards_receiver: Address,
    stake: Wei,
) -> Slot:
    """Register an operator with the chain's coin as stake. The client's account becomes the owner of the stake."""
    deployment = client.reader.deployment
    encoded_key = backend.g1_to_eip2537(backend.public_key(bls_key))
    domain = Domain(deployment.chain_id, deployment.governance)
    digest = possession_digest(domain, client.address, consent.signing_address, key_hash(encoded_key))
    proof = backend.prove_possession(bls_key, digest)
    registration = Registration(
        bls_key=encoded_key,
        possession=backend.g2_to_eip2537(proof),
        signing_key=consent.signing_address,
        consent=consent.signature,
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
