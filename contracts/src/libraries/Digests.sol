// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {Evaluation, Terms} from "../types/Types.sol";

/// @title The hashes that contracts and services must compute byte for byte alike, one function each.
/// @dev The same functions in Python are in `zarathustra/core/digests.py`; `tests/golden/digests.json` tests both.
///      Domain separators are arguments: each contract keeps its separator in OpenZeppelin's EIP712.
library Digests {
    string internal constant DOMAIN_NAME = "Zarathustra";
    string internal constant DOMAIN_VERSION = "1";

    bytes32 internal constant EVALUATION_TYPEHASH = keccak256(
        "Evaluation(bytes32 taskId,uint8 attempt,address performer,bytes32 inputHash,uint8 code,int64 championScore,int64 challengerScore,int64 gainLowerBound,bytes32 reportHash)"
    );
    bytes32 internal constant VOTE_TYPEHASH =
        keccak256("Vote(bytes32 taskId,uint8 attempt,bytes32 evaluationHash,bool approved)");
    bytes32 internal constant POSSESSION_TYPEHASH =
        keccak256("KeyPossession(address owner,address operator,bytes32 keyHash)");
    bytes32 internal constant CONSENT_TYPEHASH = keccak256("SigningConsent(address owner,bytes32 keyHash)");
    bytes32 internal constant TASK_TYPEHASH = keccak256(
        "Task(uint256 chainId,address modelSubmission,uint256 projectId,uint32 submissionIndex,uint8 opening)"
    );
    bytes32 internal constant TERMS_TYPEHASH =
        keccak256("Terms(string architectureCid,string evaluatorCid,uint16 rounds,uint32 alphaPpm,uint32 tolerance)");
    bytes32 internal constant INPUT_TYPEHASH = keccak256(
        "Input(bytes32 taskId,Terms terms,string championCid,string challengerCid,uint32 k)Terms(string architectureCid,string evaluatorCid,uint16 rounds,uint32 alphaPpm,uint32 tolerance)"
    );
    bytes32 internal constant SEED_TYPEHASH =
        keccak256("Seed(bytes32 prevRandao,uint256 chainId,address modelSubmission,bytes32 taskId)");
    bytes32 internal constant COMMITMENT_TYPEHASH = keccak256(
        "Commitment(uint256 chainId,address modelSubmission,uint256 projectId,address contributor,string parametersCid,bytes32 salt)"
    );

    // ---- signed (EIP-712)

    /// @notice Return the digest that the performer signs (ECDSA). `separator` is that of AttestationCenter.
    function evaluationDigest(bytes32 separator, Evaluation memory evaluation) internal pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(separator, evaluationHash(evaluation));
    }

    /// @notice Return the struct hash of an evaluation. A vote names its evaluation by this hash.
    function evaluationHash(Evaluation memory evaluation) internal pure returns (bytes32) {
        // Every field is static, so the encoded struct is its fields' words in order.
        return keccak256(abi.encode(EVALUATION_TYPEHASH, evaluation));
    }

    /// @notice Return the digest that attesters sign (BLS). `separator` is that of AttestationCenter.
    function voteDigest(bytes32 separator, bytes32 task, uint8 attempt, bytes32 evaluation, bool approved)
        internal
        pure
        returns (bytes32)
    {
        bytes32 structHash = keccak256(abi.encode(VOTE_TYPEHASH, task, attempt, evaluation, approved));
        return MessageHashUtils.toTypedDataHash(separator, structHash);
    }

    /// @notice Return the digest that a new operator signs with its BLS key. `separator` is that of AvsGovernance.
    function possessionDigest(bytes32 separator, address owner, address operator, bytes32 keyHash)
        internal
        pure
        returns (bytes32)
    {
        bytes32 structHash = keccak256(abi.encode(POSSESSION_TYPEHASH, owner, operator, keyHash));
        return MessageHashUtils.toTypedDataHash(separator, structHash);
    }

    /// @notice Return the digest that a signing key signs (ECDSA): it consents to serve this owner with this BLS key.
    ///         `separator` is that of AvsGovernance.
    function consentDigest(bytes32 separator, address owner, bytes32 keyHash) internal pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(separator, keccak256(abi.encode(CONSENT_TYPEHASH, owner, keyHash)));
    }

    // ---- identifiers

    /// @notice Return the id of a submission's task: its first (`opening` 0) or its second (`opening` 1).
    function taskId(uint256 chainId, address modelSubmission, uint256 projectId, uint32 submissionIndex, uint8 opening)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TASK_TYPEHASH, chainId, modelSubmission, projectId, submissionIndex, opening));
    }

    /// @notice Return the hash of what all tasks of a project have in common.
    function termsHash(Terms memory terms) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                TERMS_TYPEHASH,
                keccak256(bytes(terms.architectureCid)),
                keccak256(bytes(terms.evaluatorCid)),
                terms.rounds,
                terms.alphaPpm,
                terms.tolerance
            )
        );
    }

    /// @notice Return the hash of a task's input without its seed. CIDs as `cidHash`.
    function inputRoot(bytes32 task, bytes32 terms, bytes32 championCid, bytes32 challengerCid, uint32 k)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(INPUT_TYPEHASH, task, terms, championCid, challengerCid, k));
    }

    /// @notice Return the hash of a task's input with its seed.
    function inputHash(bytes32 root, bytes32 taskSeed) internal pure returns (bytes32) {
        return keccak256(abi.encode(root, taskSeed));
    }

    /// @notice Derive a task's seed from the randomness of its seed block.
    function seed(bytes32 prevRandao, uint256 chainId, address modelSubmission, bytes32 task)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(SEED_TYPEHASH, prevRandao, chainId, modelSubmission, task));
    }

    /// @notice Return the hash that a contributor commits to before the reveal.
    function commitment(
        uint256 chainId,
        address modelSubmission,
        uint256 projectId,
        address contributor,
        string memory parametersCid,
        bytes32 salt
    ) internal pure returns (bytes32) {
        bytes32 cid = cidHash(parametersCid);
        return keccak256(abi.encode(COMMITMENT_TYPEHASH, chainId, modelSubmission, projectId, contributor, cid, salt));
    }

    /// @notice Return the hash that stands for a CID. CIDs are hashed as text, unchecked.
    function cidHash(string memory cid) internal pure returns (bytes32) {
        return keccak256(bytes(cid));
    }

    /// @notice Return `Evaluation.reportHash`: the hash of `proofOfTask`, the report's CID as text, unchecked.
    function reportHash(string memory proofOfTask) internal pure returns (bytes32) {
        return keccak256(bytes(proofOfTask));
    }
}
