"""Write `digests.json`: the digests that Python and Solidity must agree on.

    python -m tests.golden.make_digests

It suits `vm.parseJson`: one array per digest, of flat objects of one shape. Every integer is its 32-byte ABI word
(two's complement when negative), so Forge reads it as bytes32; addresses are 20 bytes; CIDs and topics are text.
`core/test_digests.py` checks the EIP-712 digests against eth_account and fails when the file is stale.
"""

import json
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from zarathustra.core import digests
from zarathustra.core.digests import Domain, TaskInput
from zarathustra.core.outcomes import Code
from zarathustra.core.types import (
    Address,
    Attempt,
    Cid,
    Evaluation,
    Micro,
    OperatorId,
    Ppm,
    ProjectId,
    Seed,
    SubmissionIndex,
    TaskId,
)
from zarathustra.core.vote import Vote

GOLDEN_FILE = Path(__file__).parent / "digests.json"
Vectors = list[dict[str, Any]]

DOMAINS = (
    Domain(31_337, Address(bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))),
    Domain(1, Address(bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa"))),
    Domain(2**256 - 1, Address(b"\xff" * 20)),
)
OWNERS = (
    Address(bytes.fromhex("70997970c51812dc3a010c7d01b50e0d17dc79c8")),
    Address(bytes.fromhex("0000000000000000000000000000000000000002")),
    Address(b"\xfe" * 20),
)
OPERATORS = (
    OperatorId(bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")),
    OperatorId(bytes.fromhex("0000000000000000000000000000000000000001")),
    OperatorId(b"\xff" * 20),
)
CIDS = (
    Cid("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"),
    Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"),
    Cid("bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
    Cid("bafkreih" + "a" * 56),  # 64 bytes: the longest that ModelSubmission takes
)


def main() -> None:
    GOLDEN_FILE.write_text(json.dumps(build_vectors(), indent=1, sort_keys=True) + "\n")


def build_vectors() -> dict[str, Vectors]:
    return {
        "commitment": commitment_vectors(),
        "consent": consent_vectors(),
        "domain": domain_vectors(),
        "envelope": envelope_vectors(),
        "evaluation": evaluation_vectors(),
        "input": input_vectors(),
        "possession": possession_vectors(),
        "reportHash": [{"cid": cid, "digest": to_hex(digests.report_hash(cid))} for cid in CIDS],
        "seed": seed_vectors(),
        "task": task_vectors(),
        "terms": terms_vectors(),
        "typehash": typehash_vectors(),
        "vote": vote_vectors(),
    }


def typehash_vectors() -> Vectors:
    types = (
        digests.COMMITMENT_TYPE,
        digests.CONSENT_TYPE,
        digests.DOMAIN_TYPE,
        digests.ENVELOPE_TYPE,
        digests.EVALUATION_TYPE,
        digests.INPUT_TYPE,
        digests.POSSESSION_TYPE,
        digests.SEED_TYPE,
        digests.TASK_TYPE,
        digests.TERMS_TYPE,
        digests.VOTE_TYPE,
    )
    return [{"digest": to_hex(keccak(text.encode())), "type": text} for text in types]


def domain_vectors() -> Vectors:
    return [
        {"digest": to_hex(digests.domain_separator(d.chain_id, d.verifying_contract)), **_domain(d)} for d in DOMAINS
    ]


def evaluation_vectors() -> Vectors:
    low = -(2**62)
    scores = (
        (Code.VALID, 912_345, 934_567, 12_000),
        (Code.VALID, -1, -2, -3),
        (Code.VALID, -(10**9), 10**9, 2 * 10**9),
        (Code.VALID, 10**9, -(10**9), low),
        (Code.INVALID, 500_000, 0, 0),
        (Code.UNAVAILABLE, 0, 0, 0),
        (Code.EVALUATOR_FAILED, 0, 0, 0),
    )
    cases = []
    for index, (code, champion, challenger, bound) in enumerate(scores):
        evaluation = Evaluation(
            task_id=TaskId(keccak(b"task %d" % index)),
            attempt=Attempt((0, 1, 2, 255)[index % 4]),
            performer=OPERATORS[index % 3],
            input_hash=keccak(b"input %d" % index),
            code=code,
            champion_score=Micro(champion),
            challenger_score=Micro(challenger),
            gain_lower_bound=Micro(bound),
            report_hash=digests.report_hash(CIDS[index % len(CIDS)]),
        )
        cases.append(_evaluation_vector(DOMAINS[index % 3], evaluation))
    return cases


def _evaluation_vector(domain: Domain, evaluation: Evaluation) -> dict[str, Any]:
    return {
        "attempt": to_word(evaluation.attempt),
        "challengerScore": to_word(evaluation.challenger_score),
        "championScore": to_word(evaluation.champion_score),
        "code": to_word(evaluation.code),
        "digest": to_hex(digests.evaluation_digest(domain, evaluation)),
        "evaluationHash": to_hex(digests.evaluation_hash(evaluation)),
        "gainLowerBound": to_word(evaluation.gain_lower_bound),
        "inputHash": to_hex(evaluation.input_hash),
        "performer": to_hex(evaluation.performer),
        "reportHash": to_hex(evaluation.report_hash),
        "taskId": to_hex(evaluation.task_id),
        **_domain(domain),
    }


def vote_vectors() -> Vectors:
    cases = []
    for index, domain in enumerate(DOMAINS):
        for approved in (True, False):
            vote = Vote(
                TaskId(keccak(b"task %d" % index)),
                Attempt((0, 1, 255)[index]),
                keccak(b"evaluation %d" % index),
                approved,
            )
            cases.append(
                {
                    "approved": vote.approved,
                    "attempt": to_word(vote.attempt),
                    "digest": to_hex(digests.vote_digest(domain, vote)),
                    "evaluationHash": to_hex(vote.evaluation_hash),
                    "taskId": to_hex(vote.task_id),
                    **_domain(domain),
                }
            )
    return cases


def possession_vectors() -> Vectors:
    cases = []
    for index, domain in enumerate(DOMAINS):
        key_hash = digests.key_hash(bytes(16) + bytes([index]) * 48 + bytes(16) + bytes([255 - index]) * 48)
        digest = digests.possession_digest(domain, OWNERS[index], OPERATORS[index], key_hash)
        cases.append(
            {
                "digest": to_hex(digest),
                "keyHash": to_hex(key_hash),
                "operator": to_hex(OPERATORS[index]),
                "owner": to_hex(OWNERS[index]),
                **_domain(domain),
            }
        )
    return cases


def consent_vectors() -> Vectors:
    cases = []
    for index, domain in enumerate(DOMAINS):
        key_hash = keccak(b"key %d" % index)
        cases.append(
            {
                "digest": to_hex(digests.consent_digest(domain, OWNERS[index], key_hash)),
                "keyHash": to_hex(key_hash),
                "owner": to_hex(OWNERS[index]),
                **_domain(domain),
            }
        )
    return cases


def envelope_vectors() -> Vectors:
    cases = []
    records = (("evaluations.v1", b"\x08\x01"), ("attestations.v1", b"x" * 300), ("", b""))
    for domain, operator, (topic, payload) in zip(DOMAINS, OPERATORS, records, strict=True):
        payload_hash = digests.payload_hash(payload)
        cases.append(
            {
                "digest": to_hex(digests.envelope_digest(domain, topic, payload_hash, operator)),
                "operator": to_hex(operator),
                "payload": to_hex(payload),
                "payloadHash": to_hex(payload_hash),
                "topic": topic,
                **_domain(domain),
            }
        )
    return cases


def task_vectors() -> Vectors:
    cases = []
    numbers = ((1, 0, 0), (7, 3, 1), (2**256 - 1, 2**32 - 1, 255))
    for domain, (project, submission, opening) in zip(DOMAINS, numbers, strict=True):
        task = digests.task_id(
            domain.chain_id,
            domain.verifying_contract,
            ProjectId(project),
            SubmissionIndex(submission),
            opening,
        )
        cases.append(
            {
                "chainId": to_word(domain.chain_id),
                "digest": to_hex(task),
                "modelSubmission": to_hex(domain.verifying_contract),
                "opening": to_word(opening),
                "projectId": to_word(project),
                "submissionIndex": to_word(submission),
            }
        )
    return cases


def input_vectors() -> Vectors:
    return [_input_vector(task, Seed(keccak(b"seed %d" % index))) for index, task in enumerate(_build_inputs())]


def terms_vectors() -> Vectors:
    return [
        {
            "alphaPpm": to_word(task.alpha_ppm),
            "architectureCid": task.architecture_cid,
            "digest": to_hex(digests.terms_hash(task)),
            "evaluatorCid": task.evaluator_cid,
            "rounds": to_word(task.rounds),
            "tolerance": to_word(task.tolerance),
        }
        for task in _build_inputs()
    ]


def _build_inputs() -> list[TaskInput]:
    inputs = []
    numbers = ((32, 0, 10_000, 2), (1, 1, 1, 0), (2**16 - 1, 2**32 - 1, 2**32 - 1, 2**32 - 1))
    for index, (rounds, k, alpha_ppm, tolerance) in enumerate(numbers):
        inputs.append(
            TaskInput(
                task_id=TaskId(keccak(b"task %d" % index)),
                architecture_cid=CIDS[index % 4],
                evaluator_cid=CIDS[(index + 1) % 4],
                champion_cid=CIDS[(index + 2) % 4],
                challenger_cid=CIDS[(index + 3) % 4],
                rounds=rounds,
                k=k,
                alpha_ppm=Ppm(alpha_ppm),
                tolerance=Micro(tolerance),
            )
        )
    return inputs


def _input_vector(task: TaskInput, seed: Seed) -> dict[str, Any]:
    root = digests.input_root(task)
    return {
        "challengerCid": task.challenger_cid,
        "championCid": task.champion_cid,
        "inputHash": to_hex(digests.input_hash(root, seed)),
        "inputRoot": to_hex(root),
        "k": to_word(task.k),
        "seed": to_hex(seed),
        "taskId": to_hex(task.task_id),
        "terms": to_hex(digests.terms_hash(task)),
    }


def seed_vectors() -> Vectors:
    cases = []
    for index, domain in enumerate(DOMAINS):
        prev_randao, task = keccak(b"randao %d" % index), TaskId(keccak(b"task %d" % index))
        seed = digests.seed(prev_randao, domain.chain_id, domain.verifying_contract, task)
        cases.append(
            {
                "chainId": to_word(domain.chain_id),
                "digest": to_hex(seed),
                "modelSubmission": to_hex(domain.verifying_contract),
                "prevRandao": to_hex(prev_randao),
                "taskId": to_hex(task),
            }
        )
    return cases


def commitment_vectors() -> Vectors:
    cases = []
    projects = (1, 7, 2**256 - 1)
    for index, domain in enumerate(DOMAINS):
        salt = (bytes(32), keccak(b"salt"), b"\xff" * 32)[index]
        contributor, project = Address(OPERATORS[index]), ProjectId(projects[index])
        digest = digests.commitment(
            domain.chain_id, domain.verifying_contract, project, contributor, CIDS[index + 1], salt
        )
        cases.append(
            {
                "chainId": to_word(domain.chain_id),
                "contributor": to_hex(contributor),
                "digest": to_hex(digest),
                "modelSubmission": to_hex(domain.verifying_contract),
                "parametersCid": CIDS[index + 1],
                "projectId": to_word(project),
                "salt": to_hex(salt),
            }
        )
    return cases


def _domain(domain: Domain) -> dict[str, str]:
    return {"chainId": to_word(domain.chain_id), "verifyingContract": to_hex(domain.verifying_contract)}


def to_word(value: int) -> str:
    return to_hex((value % 2**256).to_bytes(32, "big"))


def to_hex(value: bytes) -> str:
    return "0x" + value.hex()


if __name__ == "__main__":
    main()
