"""Sign votes, evaluations and envelopes with the operator's keys. A vote is in the vote log before it is signed."""

import asyncio
from typing import Protocol

from zarathustra.core import digests
from zarathustra.core.digests import Domain
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import (
    Attempt,
    BlsPublicKey,
    BlsSignature,
    EcdsaSignature,
    Evaluation,
    OperatorId,
    TaskId,
)
from zarathustra.core.vote import Vote
from zarathustra.signing.bls import BlsBackend
from zarathustra.signing.ecdsa import compute_address, sign_digest
from zarathustra.signing.envelope import sign_record
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey
from zarathustra.signing.vote_log import VoteLog


class RecordSigner(Protocol):
    """Signs for a service that never votes: its own evaluations and its records."""

    @property
    def operator_id(self) -> OperatorId:
        """The operator's ECDSA signing address."""

    def sign_evaluation(self, evaluation: Evaluation) -> EcdsaSignature:
        """Sign this operator's own evaluation; another performer's raises Invalid(WRONG_PERFORMER)."""

    def sign_envelope(self, topic: str, value: bytes) -> EcdsaSignature:
        """Sign the bytes of a record's value as they will be sent to `topic`."""


class Signer(RecordSigner, Protocol):
    """One operator's signatures. All are deterministic: the same arguments give the same bytes.

    Voting may wait for a disk or another process; ECDSA signing takes microseconds and runs in this process.
    """

    @property
    def public_key(self) -> BlsPublicKey: ...

    async def sign_vote(self, vote: Vote, input_hash: bytes) -> BlsSignature:
        """Sign the only vote on (task, attempt, input hash).

        The vote is on disk before it is signed. The same vote again gives the same bytes; another vote raises
        Invalid(ALREADY_VOTED).
        """

    async def find_vote(self, task_id: TaskId, attempt: Attempt, input_hash: bytes) -> Vote | None:
        """Return the vote that was signed on (task, attempt, input hash), or None."""


class EcdsaSigner:
    """`RecordSigner` with the key in this process; enough for performers and aggregators."""

    def __init__(self, key: EcdsaSecretKey, domain: Domain) -> None:
        """`domain` is AttestationCenter's."""
        self._key = key
        self._domain = domain
        self._operator_id = OperatorId(compute_address(key))

    @property
    def operator_id(self) -> OperatorId:
        return self._operator_id

    def sign_evaluation(self, evaluation: Evaluation) -> EcdsaSignature:
        if evaluation.performer != self._operator_id:
            raise Invalid(Reason.WRONG_PERFORMER, "the evaluation is another operator's")
        return sign_digest(self._key, digests.evaluation_digest(self._domain, evaluation))

    def sign_envelope(self, topic: str, value: bytes) -> EcdsaSignature:
        return sign_record(self._key, self._domain, topic, value)


class LocalSigner:
    """`Signer` with the keys in this process. The caller closes the vote log after the last vote."""

    def __init__(
        self,
        *,
        bls_key: BlsSecretKey,
        ecdsa_key: EcdsaSecretKey,
        domain: Domain,
        backend: BlsBackend,
        vote_log: VoteLog,
    ) -> None:
        """`domain` is AttestationCenter's; `vote_log` is the log of `bls_key`."""
        self._bls_key = bls_key
        self._records = EcdsaSigner(ecdsa_key, domain)
        self._domain = domain
        self._backend = backend
        self._vote_log = vote_log
        self._public_key = backend.public_key(bls_key)

    @property
    def operator_id(self) -> OperatorId:
        return self._records.operator_id

    @property
    def public_key(self) -> BlsPublicKey:
        return self._public_key

    async def sign_vote(self, vote: Vote, input_hash: bytes) -> BlsSignature:
        return await asyncio.to_thread(self._record_and_sign, vote, input_hash)

    async def find_vote(self, task_id: TaskId, attempt: Attempt, input_hash: bytes) -> Vote | None:
        return await asyncio.to_thread(self._vote_log.find, task_id, attempt, input_hash)

    def sign_evaluation(self, evaluation: Evaluation) -> EcdsaSignature:
        return self._records.sign_evaluation(evaluation)

    def sign_envelope(self, topic: str, value: bytes) -> EcdsaSignature:
        return self._records.sign_envelope(topic, value)

    def _record_and_sign(self, vote: Vote, input_hash: bytes) -> BlsSignature:
        """Write to the log first: a crash in between loses a signature; the other order could forget a vote."""
        self._vote_log.record(vote, input_hash)
        return self._backend.sign(self._bls_key, digests.vote_digest(self._domain, vote))
