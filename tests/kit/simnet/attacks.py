"""Records that strangers and dishonest operators put on the bus, each with the reason for which readers refuse it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tests.kit.simnet.accounts import STRANGER_KEY
from tests.kit.simnet.net import Simnet
from tests.kit.simnet.stage import Operator
from tests.kit.simulated_time import now_ms
from zarathustra.bus.records import Header, Record
from zarathustra.core.digests import evaluation_digest, vote_digest
from zarathustra.core.messages import AttestationSigned, EvaluationProposed, Message
from zarathustra.core.reasons import Reason
from zarathustra.core.types import (
    Cid,
    Digest,
    Evaluation,
    OperatorId,
    Topic,
)
from zarathustra.core.vote import Vote
from zarathustra.runtime.records import build_record
from zarathustra.signing.backends import FAST, load_backend
from zarathustra.signing.ecdsa import compute_address, sign_digest
from zarathustra.signing.keys import BLS_ORDER, BlsSecretKey, EcdsaSecretKey
from zarathustra.signing.signer import EcdsaSigner

OVERSIZE_BYTES = 300_000  # more than a topic's records may have, less than twice that
STRANGER = OperatorId(compute_address(STRANGER_KEY))
BLS = load_backend(FAST)


@dataclass(frozen=True)
class Scene:
    """A task in its first attempt, with the honest proposal for it."""

    net: Simnet
    proposal: EvaluationProposed
    performer: Operator
    bystander: Operator  # of the set, and not the attempt's performer

    def seal(self, topic: Topic, message: Message, key: EcdsaSecretKey) -> Record:
        """`message` in the envelope of `key`."""
        return build_record(topic, message, signer=EcdsaSigner(key, self.net.domain), time_ms=now_ms())

    def propose(self, by: EcdsaSecretKey, **changes: object) -> EvaluationProposed:
        """The honest proposal with changes, signed by `by` as if it were its own."""
        changed: Mapping[str, object] = {"performer": OperatorId(compute_address(by)), **changes}
        evaluation: Evaluation = replace(self.proposal.evaluation, **changed)  # type: ignore[arg-type]  # by field name
        return self.sign(replace(self.proposal, evaluation=evaluation), by)

    def sign(self, proposal: EvaluationProposed, key: EcdsaSecretKey) -> EvaluationProposed:
        digest = evaluation_digest(self.net.domain, proposal.evaluation)
        return replace(proposal, performer_signature=sign_digest(key, digest))

    def attest(self, operator: Operator, proposal_hash: bytes, *, approved: bool = True) -> AttestationSigned:
        """The operator's own vote, properly signed."""
        vote = Vote(
            self.proposal.evaluation.task_id, self.proposal.evaluation.attempt, proposal_hash, approved=approved
        )
        return AttestationSigned(
            task_id=vote.task_id,
            attempt=vote.attempt,
            evaluation_hash=vote.evaluation_hash,
            approved=vote.approved,
            operator=operator.operator_id,
            signature=BLS.sign(operator.voting, vote_digest(self.net.domain, vote)),
            reason="" if approved else Reason.SCORE_MISMATCH.code,
        )


async def find_scene(net: Simnet) -> Scene:
    """Return once the open task has its honest proposal, and before its certificate is mined."""
    task = await net.fetch_open_task()

    def find() -> list[EvaluationProposed]:
        proposals = [one for one in net.messages(Topic.EVALUATIONS) if isinstance(one, EvaluationProposed)]
        return [one for one in proposals if one.evaluation.task_id == task.task_id]

    async def is_proposed() -> bool:
        return bool(find())

    await net.wait_until(is_proposed)
    (proposal,) = find()
    performer = next(one for one in net.operators if one.operator_id == proposal.evaluation.performer)
    bystander = next(one for one in net.operators if one is not performer)
    return Scene(net, proposal, performer, bystander)


@dataclass(frozen=True)
class Attack:
    """One bad record. `reasons`: why each kind of group gives it up. A kind that is not named does not give it up."""

    name: str
    build: Callable[[Scene], Record]
    reasons: Mapping[str, Reason]


def both(reason: Reason) -> Mapping[str, Reason]:
    """The reason for both kinds of group that read proposals."""
    return {"validator": reason, "aggregator": reason}


def garbage(topic: Topic, value: bytes = b"\xff\xff\xff") -> Callable[[Scene], Record]:
    """Bytes that are no message, in the honest performer's valid envelope."""

    def build(scene: Scene) -> Record:
        record = scene.seal(topic, scene.proposal, scene.performer.signing)
        signature = EcdsaSigner(scene.performer.signing, scene.net.domain).sign_envelope(topic, value)
        return replace(record, value=value, headers={**record.headers, Header.SIGNATURE: signature})

    return build


def proposal_with(**changes: object) -> Callable[[Scene], Record]:
    """The performer's own proposal, changed and properly signed."""

    def build(scene: Scene) -> Record:
        key = scene.performer.signing
        return scene.seal(Topic.EVALUATIONS, scene.propose(key, **changes), key)

    return build


def with_header(name: Header, value: bytes) -> Callable[[Scene], Record]:
    """The honest record with one header changed."""

    def build(scene: Scene) -> Record:
        record = scene.seal(Topic.EVALUATIONS, scene.proposal, scene.performer.signing)
        return replace(record, headers={**record.headers, name: value})

    return build


def without_envelope(scene: Scene) -> Record:
    record = scene.seal(Topic.EVALUATIONS, scene.proposal, scene.performer.signing)
    kept = {name: value for name, value in record.headers.items() if name not in (Header.OPERATOR, Header.SIGNATURE)}
    return replace(record, headers=kept)


def tampered_value(scene: Scene) -> Record:
    """One bit differs from what was signed."""
    record = scene.seal(Topic.EVALUATIONS, scene.proposal, scene.performer.signing)
    return replace(record, value=record.value[:-1] + bytes([record.value[-1] ^ 1]))


def other_key(scene: Scene) -> Record:
    """With the key of another task."""
    record = scene.seal(Topic.EVALUATIONS, scene.proposal, scene.performer.signing)
    return replace(record, key=b"\x77" * 32)


def strangers_proposal(scene: Scene) -> Record:
    """Correct except for its sender, who is no operator."""
    return scene.seal(Topic.EVALUATIONS, scene.propose(STRANGER_KEY), STRANGER_KEY)


def forwarded_proposal(scene: Scene) -> Record:
    """The honest one, in a stranger's envelope."""
    return scene.seal(Topic.EVALUATIONS, scene.proposal, STRANGER_KEY)


def bystanders_proposal(scene: Scene) -> Record:
    """By an operator of the set that is not the attempt's performer."""
    key = scene.bystander.signing
    return scene.seal(Topic.EVALUATIONS, scene.propose(key), key)


def bad_performer_signature(scene: Scene) -> Record:
    """A valid envelope around a proposal that another operator signed."""
    proposal = scene.sign(scene.proposal, scene.bystander.signing)
    return scene.seal(Topic.EVALUATIONS, proposal, scene.performer.signing)


def other_report(scene: Scene) -> Record:
    """The report's hash is not that of the report that is named."""
    proposal = replace(scene.proposal, proof_of_task=Cid("bafkother"))
    return scene.seal(Topic.EVALUATIONS, proposal, scene.performer.signing)


def attestation_among_proposals(scene: Scene) -> Record:
    return scene.seal(Topic.EVALUATIONS, scene.attest(scene.bystander, b"\x01" * 32), scene.bystander.signing)


def proposal_among_attestations(scene: Scene) -> Record:
    return scene.seal(Topic.ATTESTATIONS, scene.proposal, scene.performer.signing)


def attestation_for_another(scene: Scene) -> Record:
    """A stranger's operator votes in another one's name."""
    return scene.seal(Topic.ATTESTATIONS, scene.attest(scene.performer, b"\x01" * 32), scene.bystander.signing)


def strangers_attestation(scene: Scene) -> Record:
    message = replace(scene.attest(scene.bystander, b"\x01" * 32), operator=STRANGER)
    return scene.seal(Topic.ATTESTATIONS, message, STRANGER_KEY)


def chain_event_without_content(scene: Scene) -> Record:
    return Record(Topic.CHAIN_EVENTS, bytes(8), b"\xff", {Header.TYPE: b"ChainEvent"})


def proposal_among_chain_events(scene: Scene) -> Record:
    record = scene.seal(Topic.EVALUATIONS, scene.proposal, scene.performer.signing)
    return replace(record, topic=Topic.CHAIN_EVENTS)


ATTACKS = (
    Attack("unparsable", garbage(Topic.EVALUATIONS), both(Reason.UNPARSABLE)),
    Attack(
        "oversized",
        garbage(Topic.EVALUATIONS, bytes(OVERSIZE_BYTES)),
        {"validator": Reason.OVERSIZE, "aggregator": Reason.UNPARSABLE},
    ),
    Attack("unknown_type", with_header(Header.TYPE, b"Nonsense"), both(Reason.UNKNOWN_TYPE)),
    Attack("no_envelope", without_envelope, both(Reason.BAD_ENVELOPE)),
    Attack("cut_signature", with_header(Header.SIGNATURE, b"\x01" * 64), both(Reason.BAD_ENVELOPE)),
    Attack("tampered_value", tampered_value, both(Reason.BAD_ENVELOPE)),
    Attack("other_key", other_key, both(Reason.UNPARSABLE)),
    Attack("strangers_proposal", strangers_proposal, both(Reason.UNKNOWN_OPERATOR)),
    Attack(
        "forwarded_proposal",
        forwarded_proposal,
        both(Reason.UNKNOWN_OPERATOR),
    ),
    Attack("bystanders_proposal", bystanders_proposal, both(Reason.WRONG_PERFORMER)),
    Attack("bad_performer_signature", bad_performer_signature, both(Reason.BAD_SIGNATURE)),
    Attack("other_input", proposal_with(input_hash=b"\x1f" * 32), both(Reason.WRONG_INPUT)),
    Attack("other_report", other_report, both(Reason.REPORT_MISMATCH)),
    Attack("attestation_among_proposals", attestation_among_proposals, both(Reason.UNKNOWN_TYPE)),
    Attack("unparsable_attestation", garbage(Topic.ATTESTATIONS), {"aggregator": Reason.UNPARSABLE}),
    Attack("proposal_among_attestations", proposal_among_attestations, {"aggregator": Reason.UNKNOWN_TYPE}),
    Attack("attestation_for_another", attestation_for_another, {"aggregator": Reason.BAD_ENVELOPE}),
    Attack("strangers_attestation", strangers_attestation, {"aggregator": Reason.UNKNOWN_OPERATOR}),
    Attack(
        "unparsable_certificate",
        garbage(Topic.CERTIFICATES),
        {"poster": Reason.UNPARSABLE, "notifier": Reason.UNPARSABLE},
    ),
    Attack(
        "unparsable_chain_event",
        chain_event_without_content,
        {"performer": Reason.UNPARSABLE, "notifier": Reason.UNPARSABLE},
    ),
    Attack(
        "proposal_among_chain_events",
        proposal_among_chain_events,
        {"performer": Reason.UNKNOWN_TYPE, "notifier": Reason.UNKNOWN_TYPE},
    ),
)


def shift_signature(attestation: AttestationSigned, offset: int, digest: Digest) -> AttestationSigned:
    """σ + offset·H(digest): invalid alone, but two with opposite offsets cancel out in a plain sum."""
    added = BLS.sign(BlsSecretKey.from_int(offset % BLS_ORDER), digest)
    return replace(attestation, signature=BLS.aggregate_signatures([attestation.signature, added]))
