// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Digests} from "../../src/libraries/Digests.sol";
import {Code, Evaluation, Terms} from "../../src/types/Types.sol";
import {Golden} from "../support/Golden.sol";

/// @dev `tests/golden/core/test_digests.py` checks Python against the same `tests/golden/digests.json`.
contract DigestsGoldenTest is Golden {
    function setUp() public {
        loadGolden("digests.json");
    }

    function test_typehash__golden__equal() public view {
        bytes32[9] memory ours = [
            Digests.EVALUATION_TYPEHASH,
            Digests.VOTE_TYPEHASH,
            Digests.POSSESSION_TYPEHASH,
            Digests.CONSENT_TYPEHASH,
            Digests.TASK_TYPEHASH,
            Digests.TERMS_TYPEHASH,
            Digests.INPUT_TYPEHASH,
            Digests.SEED_TYPEHASH,
            Digests.COMMITMENT_TYPEHASH
        ];
        uint256 found = 0;
        uint256 count = countOf("typehash");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 golden = word("typehash", i, "digest");
            assertEq(keccak256(bytes(text("typehash", i, "type"))), golden);
            for (uint256 j = 0; j < ours.length; ++j) {
                if (ours[j] == golden) ++found;
            }
        }
        assertEq(found, ours.length);
    }

    function test_evaluation__golden__equal() public view {
        uint256 count = countOf("evaluation");
        for (uint256 i = 0; i < count; ++i) {
            Evaluation memory evaluation = evaluationAt(i);
            assertEq(Digests.evaluationHash(evaluation), word("evaluation", i, "evaluationHash"));
            bytes32 digest = Digests.evaluationDigest(separatorAt("evaluation", i), evaluation);
            assertEq(digest, word("evaluation", i, "digest"));
        }
    }

    function test_vote__golden__equal() public view {
        uint256 count = countOf("vote");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 digest = Digests.voteDigest(
                separatorAt("vote", i),
                word("vote", i, "taskId"),
                uint8(number("vote", i, "attempt")),
                word("vote", i, "evaluationHash"),
                flag("vote", i, "approved")
            );
            assertEq(digest, word("vote", i, "digest"));
        }
    }

    function test_possession__golden__equal() public view {
        uint256 count = countOf("possession");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 digest = Digests.possessionDigest(
                separatorAt("possession", i),
                account("possession", i, "owner"),
                account("possession", i, "operator"),
                word("possession", i, "keyHash")
            );
            assertEq(digest, word("possession", i, "digest"));
        }
    }

    function test_consent__golden__equal() public view {
        uint256 count = countOf("consent");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 digest = Digests.consentDigest(
                separatorAt("consent", i), account("consent", i, "owner"), word("consent", i, "keyHash")
            );
            assertEq(digest, word("consent", i, "digest"));
        }
    }

    function test_task__golden__equal() public view {
        uint256 count = countOf("task");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 id = Digests.taskId(
                number("task", i, "chainId"),
                account("task", i, "modelSubmission"),
                number("task", i, "projectId"),
                uint32(number("task", i, "submissionIndex")),
                uint8(number("task", i, "opening"))
            );
            assertEq(id, word("task", i, "digest"));
        }
    }

    function test_terms__golden__equal() public view {
        uint256 count = countOf("terms");
        for (uint256 i = 0; i < count; ++i) {
            assertEq(Digests.termsHash(termsAt(i)), word("terms", i, "digest"));
        }
    }

    function test_input__golden__equal() public view {
        uint256 count = countOf("input");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 root = Digests.inputRoot(
                word("input", i, "taskId"),
                word("input", i, "terms"),
                Digests.cidHash(text("input", i, "championCid")),
                Digests.cidHash(text("input", i, "challengerCid")),
                uint32(number("input", i, "k"))
            );
            assertEq(root, word("input", i, "inputRoot"));
            assertEq(Digests.inputHash(root, word("input", i, "seed")), word("input", i, "inputHash"));
        }
    }

    function test_seed__golden__equal() public view {
        uint256 count = countOf("seed");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 seed = Digests.seed(
                word("seed", i, "prevRandao"),
                number("seed", i, "chainId"),
                account("seed", i, "modelSubmission"),
                word("seed", i, "taskId")
            );
            assertEq(seed, word("seed", i, "digest"));
        }
    }

    function test_commitment__golden__equal() public view {
        uint256 count = countOf("commitment");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 commitment = Digests.commitment(
                number("commitment", i, "chainId"),
                account("commitment", i, "modelSubmission"),
                number("commitment", i, "projectId"),
                account("commitment", i, "contributor"),
                text("commitment", i, "parametersCid"),
                word("commitment", i, "salt")
            );
            assertEq(commitment, word("commitment", i, "digest"));
        }
    }

    function test_reportHash__golden__equal() public view {
        uint256 count = countOf("reportHash");
        for (uint256 i = 0; i < count; ++i) {
            assertEq(Digests.reportHash(text("reportHash", i, "cid")), word("reportHash", i, "digest"));
        }
    }

    function evaluationAt(uint256 i) private view returns (Evaluation memory) {
        return Evaluation({
            taskId: word("evaluation", i, "taskId"),
            attempt: uint8(number("evaluation", i, "attempt")),
            performer: account("evaluation", i, "performer"),
            inputHash: word("evaluation", i, "inputHash"),
            code: Code(number("evaluation", i, "code")),
            championScore: int64(int256(number("evaluation", i, "championScore"))),
            challengerScore: int64(int256(number("evaluation", i, "challengerScore"))),
            gainLowerBound: int64(int256(number("evaluation", i, "gainLowerBound"))),
            reportHash: word("evaluation", i, "reportHash")
        });
    }

    function termsAt(uint256 i) private view returns (Terms memory) {
        return Terms({
            architectureCid: text("terms", i, "architectureCid"),
            evaluatorCid: text("terms", i, "evaluatorCid"),
            rounds: uint16(number("terms", i, "rounds")),
            alphaPpm: uint32(number("terms", i, "alphaPpm")),
            tolerance: uint32(number("terms", i, "tolerance"))
        });
    }

    function separatorAt(string memory group, uint256 i) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(Digests.DOMAIN_NAME)),
                keccak256(bytes(Digests.DOMAIN_VERSION)),
                number(group, i, "chainId"),
                account(group, i, "verifyingContract")
            )
        );
    }
}
