"""The hashes that Python and the contracts must compute to the same bytes, one function for each.

`contracts/src/libraries/Digests.sol` has the same functions in Solidity, except Envelope, which only Python needs.
`tests/golden/digests.json` holds both to the same bytes. There are two families:

    signed      keccak(0x19 ‖ 0x01 ‖ domain separator ‖ struct hash)        EIP-712
    identifiers keccak(type hash ‖ words), one 32-byte word per field, texts and CIDs as their keccak

CIDs are hashed as the UTF-8 bytes of their canonical text, because that is what the contract stores.
"""

from dataclasses import dataclass
from typing import Protocol

from eth_abi.abi import encode
from eth_hash.auto import keccak

from zarathustra.core.types import (
    MAX_CID_LENGTH,
    Address,
    Cid,
    Digest,
    Evaluation,
    Micro,
    OperatorId,
    Ppm,
    ProjectId,
    Seed,
    SubmissionIndex,
    TaskId,
    validate_length,
    validate_range,
)
from zarathustra.core.vote import Vote

DOMAIN_NAME = "Zarathustra"
DOMAIN_VERSION = "1"

DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
EVALUATION_TYPE = (
    "Evaluation(bytes32 taskId,uint8 attempt,address performer,bytes32 inputHash,uint8 code,"
    "int64 championScore,int64 challengerScore,int64 gainLowerBound,bytes32 reportHash)"
)
VOTE_TYPE = "Vote(bytes32 taskId,uint8 attempt,bytes32 evaluationHash,bool approved)"
POSSESSION_TYPE = "KeyPossession(address owner,address operator,bytes32 keyHash)"
ENVELOPE_TYPE = "Envelope(string topic,bytes32 payloadHash,address operator)"
TASK_TYPE = "Task(uint256 chainId,address modelSubmission,uint256 projectId,uint32 submissionIndex,uint8 opening)"
CONSENT_TYPE = "SigningConsent(address owner,bytes32 keyHash)"
TERMS_TYPE = "Terms(string architectureCid,string evaluatorCid,uint16 rounds,uint32 alphaPpm,uint32 tolerance)"
INPUT_TYPE = f"Input(bytes32 taskId,Terms terms,string championCid,string challengerCid,uint32 k){TERMS_TYPE}"
SEED_TYPE = "Seed(bytes32 prevRandao,uint256 chainId,address modelSubmission,bytes32 taskId)"
COMMITMENT_TYPE = (
    "Commitment(uint256 chainId,address modelSubmission,uint256 projectId,address contributor,"
    "string parametersCid,bytes32 salt)"
)

DOMAIN_TYPEHASH = keccak(DOMAIN_TYPE.encode())
EVALUATION_TYPEHASH = keccak(EVALUATION_TYPE.encode())
VOTE_TYPEHASH = keccak(VOTE_TYPE.encode())
POSSESSION_TYPEHASH = keccak(POSSESSION_TYPE.encode())
ENVELOPE_TYPEHASH = keccak(ENVELOPE_TYPE.encode())
TASK_TYPEHASH = keccak(TASK_TYPE.encode())
CONSENT_TYPEHASH = keccak(CONSENT_TYPE.encode())
TERMS_TYPEHASH = keccak(TERMS_TYPE.encode())
INPUT_TYPEHASH = keccak(INPUT_TYPE.encode())
SEED_TYPEHASH = keccak(SEED_TYPE.encode())
COMMITMENT_TYPEHASH = keccak(COMMITMENT_TYPE.encode())

EIP2537_G1_LENGTH = 128  # x ‖ y, each 16 zero bytes and 48 bytes big-endian


@dataclass(frozen=True)
class Domain:
    """The scope in which a signature is valid: one contract on one chain.

    `verifying_contract` is AttestationCenter, except for KeyPossession and SigningConsent: there it is AvsGovernance.
    """

    chain_id: int
    verifying_contract: Address

    def __post_init__(self) -> None:
        validate_range("chain_id", self.chain_id, 1, 2**256 - 1)
        validate_length("verifying_contract", self.verifying_contract, 20)


class Terms(Protocol):
    """What all tasks of a project have in common. `TaskInput` and `ProjectParams` have these fields."""

    @property
    def architecture_cid(self) -> Cid: ...

    @property
    def evaluator_cid(self) -> Cid: ...

    @property
    def rounds(self) -> int: ...

    @property
    def alpha_ppm(self) -> Ppm: ...

    @property
    def tolerance(self) -> Micro: ...


@dataclass(frozen=True)
class TaskInput:
    """All data that decides what a task evaluates, except the seed; fixed on chain when the task opens."""

    task_id: TaskId
    architecture_cid: Cid
    evaluator_cid: Cid
    champion_cid: Cid
    challenger_cid: Cid
    rounds: int
    k: int  # tasks that the project opened before this one, without the baseline's
    alpha_ppm: Ppm
    tolerance: Micro

    def __post_init__(self) -> None:
        validate_length("task_id", self.task_id, 32)
        for name in ("architecture_cid", "evaluator_cid", "champion_cid", "challenger_cid"):
            validate_range(f"length of {name}", len(getattr(self, name).encode()), 0, MAX_CID_LENGTH)
        validate_range("rounds", self.rounds, 0, 2**16 - 1)
        for name in ("k", "alpha_ppm", "tolerance"):
            validate_range(name, getattr(self, name), 0, 2**32 - 1)


# -- signed ------------------------------------------------------------------------------------------------


def evaluation_digest(domain: Domain, evaluation: Evaluation) -> Digest:
    """Return the digest that the performer signs (ECDSA)."""
    return _typed_data_digest(domain, evaluation_hash(evaluation))


def evaluation_hash(evaluation: Evaluation) -> bytes:
    """Return the EIP-712 struct hash of an evaluation. It has no domain; a vote names its evaluation by it."""
    return _hash_words(
        EVALUATION_TYPEHASH,
        ("bytes32", evaluation.task_id),
        ("uint8", evaluation.attempt),
        ("address", evaluation.performer),
        ("bytes32", evaluation.input_hash),
        ("uint8", int(evaluation.code)),
        ("int64", evaluation.champion_score),
        ("int64", evaluation.challenger_score),
        ("int64", evaluation.gain_lower_bound),
        ("bytes32", evaluation.report_hash),
    )


def vote_digest(domain: Domain, vote: Vote) -> Digest:
    """Return the digest that attesters sign (BLS)."""
    struct_hash = _hash_words(
        VOTE_TYPEHASH,
        ("bytes32", vote.task_id),
        ("uint8", vote.attempt),
        ("bytes32", vote.evaluation_hash),
        ("bool", vote.approved),
    )
    return _typed_data_digest(domain, struct_hash)


def possession_digest(domain: Domain, owner: Address, operator: OperatorId, key_hash: bytes) -> Digest:
    """Return the digest that a new operator signs with its BLS key (proof of possession).

    It binds the key to the operator's owner and to the signing address. Without the binding a stranger could register
    with a copied proof. `domain` is AvsGovernance's.
    """
    struct_hash = _hash_words(POSSESSION_TYPEHASH, ("address", owner), ("address", operator), ("bytes32", key_hash))
    return _typed_data_digest(domain, struct_hash)


def consent_digest(domain: Domain, owner: Address, key_hash: bytes) -> Digest:
    """Return the digest that a signing key signs (ECDSA): it consents to serve this owner with this BLS key.

    Without it, anyone could register an announced signing address and lock it out. `domain` is AvsGovernance's.
    """
    return _typed_data_digest(domain, _hash_words(CONSENT_TYPEHASH, ("address", owner), ("bytes32", key_hash)))


def key_hash(key_eip2537: bytes) -> bytes:
    """Return keccak of a BLS key's 128-byte EIP-2537 encoding. AvsGovernance registers each key hash only once."""
    validate_length("key_eip2537", key_eip2537, EIP2537_G1_LENGTH)
    return keccak(key_eip2537)


def envelope_digest(domain: Domain, topic: str, payload_hash: bytes, operator: OperatorId) -> Digest:
    """Return the digest that an operator signs for each record that it sends (ECDSA)."""
    struct_hash = _hash_words(
        ENVELOPE_TYPEHASH,
        ("bytes32", keccak(topic.encode())),
        ("bytes32", payload_hash),
        ("address", operator),
    )
    return _typed_data_digest(domain, struct_hash)


def payload_hash(value: bytes) -> bytes:
    """Return keccak of a record's value bytes exactly as sent, so that they can be checked before they are decoded."""
    return keccak(value)


def domain_separator(chain_id: int, verifying_contract: Address) -> bytes:
    """Return the EIP-712 domain separator of one contract on one chain."""
    return _hash_words(
        DOMAIN_TYPEHASH,
        ("bytes32", keccak(DOMAIN_NAME.encode())),
        ("bytes32", keccak(DOMAIN_VERSION.encode())),
        ("uint256", chain_id),
        ("address", verifying_contract),
    )


# -- identifiers -------------------------------------------------------------------------------------------


def task_id(
    chain_id: int,
    model_submission: Address,
    project_id: ProjectId,
    submission_index: SubmissionIndex,
    opening: int,
) -> TaskId:
    """Return the id of a submission's task. `opening` is 0 for its first task, 1 for the second, after an expiry."""
    words = _hash_words(
        TASK_TYPEHASH,
        ("uint256", chain_id),
        ("address", model_submission),
        ("uint256", project_id),
        ("uint32", submission_index),
        ("uint8", opening),
    )
    return TaskId(words)


def input_root(task: TaskInput) -> bytes:
    """Return the hash of a task's input without the seed; the event TaskOpened carries it."""
    return _hash_words(
        INPUT_TYPEHASH,
        ("bytes32", task.task_id),
        ("bytes32", terms_hash(task)),
        ("bytes32", cid_hash(task.champion_cid)),
        ("bytes32", cid_hash(task.challenger_cid)),
        ("uint32", task.k),
    )


def terms_hash(terms: Terms) -> bytes:
    """Return the hash of what all tasks of a project have in common; ModelSubmission stores it."""
    return _hash_words(
        TERMS_TYPEHASH,
        ("bytes32", cid_hash(terms.architecture_cid)),
        ("bytes32", cid_hash(terms.evaluator_cid)),
        ("uint16", terms.rounds),
        ("uint32", terms.alpha_ppm),
        ("uint32", terms.tolerance),
    )


def input_hash(root: bytes, task_seed: Seed) -> bytes:
    """Return the hash of a task's whole input: `keccak(inputRoot ‖ seed)`."""
    validate_length("input_root", root, 32)
    return _hash_words(root, ("bytes32", task_seed))


def seed(prev_randao: bytes, chain_id: int, model_submission: Address, task: TaskId) -> Seed:
    """Return a task's seed, derived from the PREVRANDAO of its seed block (32 bytes)."""
    words = _hash_words(
        SEED_TYPEHASH,
        ("bytes32", prev_randao),
        ("uint256", chain_id),
        ("address", model_submission),
        ("bytes32", task),
    )
    return Seed(words)


def commitment(
    chain_id: int,
    model_submission: Address,
    project_id: ProjectId,
    contributor: Address,
    parameters_cid: Cid,
    salt: bytes,
) -> bytes:
    """Return a contributor's commitment. It covers the contributor's address, so a copy cannot be revealed."""
    return _hash_words(
        COMMITMENT_TYPEHASH,
        ("uint256", chain_id),
        ("address", model_submission),
        ("uint256", project_id),
        ("address", contributor),
        ("bytes32", cid_hash(parameters_cid)),
        ("bytes32", salt),
    )


def report_hash(report_cid: Cid) -> bytes:
    """Return `Evaluation.reportHash`: keccak of the report's CID, which the contract gets as `proofOfTask`."""
    return cid_hash(report_cid)


def cid_hash(cid: Cid) -> bytes:
    """Return keccak of a CID's canonical text."""
    return keccak(cid.encode())


# -- encoding ----------------------------------------------------------------------------------------------


def _typed_data_digest(domain: Domain, struct_hash: bytes) -> Digest:
    separator = domain_separator(domain.chain_id, domain.verifying_contract)
    return Digest(keccak(b"\x19\x01" + separator + struct_hash))


def _hash_words(head: bytes, *fields: tuple[str, bytes | int]) -> bytes:
    """Return `keccak(abi.encode(head, …))` for fields that take one 32-byte word each."""
    for abi_type, value in fields:
        _validate_width(abi_type, value)
    types = ["bytes32", *(abi_type for abi_type, _ in fields)]
    return keccak(encode(types, [head, *(value for _, value in fields)]))


def _validate_width(abi_type: str, value: bytes | int) -> None:
    """Refuse bytes that the encoder would pad silently: two different values would then share one hash."""
    widths = {"bytes32": 32, "address": 20}
    if isinstance(value, bytes):
        validate_length(abi_type, value, widths[abi_type])
