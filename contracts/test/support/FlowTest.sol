// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ModelSubmission} from "../../src/ModelSubmission.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Evaluation, ProjectParams, RewardRule, SealedSet} from "../../src/types/Types.sol";
import {AttestationFixture} from "./AttestationFixture.sol";

/// @dev All contracts wired as in production, and one project. A fee of 0.12 ether splits without a remainder among
///      three operators of equal stake.
abstract contract FlowTest is AttestationFixture {
    address internal constant COIN = address(0);
    uint96 internal constant POOL = 10 ether;
    uint96 internal constant BUDGET = 1 ether;
    uint96 internal constant REWARD = 2 ether;
    uint96 internal constant BOND = 0.3 ether;
    uint96 internal constant FEE = 0.12 ether;
    uint96 internal constant DISPUTE_BOND = 1 ether;
    uint24 internal constant DISPUTE_BLOCKS = 300;
    uint24 internal constant RESOLVE_BLOCKS = 1_000;
    uint32 internal constant OPEN_TIMEOUT = 1_000;
    uint128 internal constant ALL = 7;
    string internal constant BETTER_CID = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
    string internal constant BEST_CID = "bafkreihaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    bytes32 internal constant SALT = keccak256("salt");

    ModelSubmission internal submissions;
    address internal projectOwner = makeAddress("project owner");
    address internal contributor = makeAddress("contributor");

    /// @dev Five contracts name each other; ModelSubmission is the last of them.
    function deployAll(bool isRegistrationOpen) internal {
        deployGround();
        address expected = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 3);
        wire(expected, COIN, isRegistrationOpen);
        submissions =
            new ModelSubmission(administration, governance, center, address(avsLogic), treasury, defaultLimits());
        assertEq(address(submissions), expected);
        vm.deal(projectOwner, 100 ether);
        vm.deal(contributor, 100 ether);
    }

    function defaultLimits() internal pure returns (IModelSubmission.Limits memory) {
        return IModelSubmission.Limits({
            maxPending: 16,
            maxPendingPerAccount: 2,
            openTimeout: OPEN_TIMEOUT,
            minAttemptBlocks: 10,
            minDisputeBlocks: 0,
            maxDisputeBlocks: 7_000,
            resolveBlocks: RESOLVE_BLOCKS,
            disputeBond: DISPUTE_BOND,
            coinMinFee: 0.01 ether
        });
    }

    function defaultProject() internal view returns (ProjectParams memory) {
        return ProjectParams({
            architectureCid: REPORT_CID,
            parametersCid: REPORT_CID,
            evaluatorCid: REPORT_CID,
            metadataCid: REPORT_CID,
            token: COIN,
            pool: POOL,
            budget: BUDGET,
            rewardRule: RewardRule.FIXED,
            maxReward: REWARD,
            rewardRate: 0,
            bond: BOND,
            fee: FEE,
            minGain: 10_000,
            worseTolerance: 1_000,
            tolerance: 2,
            rounds: 32,
            alphaPpm: 10_000,
            quorumBps: QUORUM_BPS,
            seedDelay: SEED_DELAY,
            maxAttempts: MAX_ATTEMPTS,
            attemptBlocks: ATTEMPT_BLOCKS,
            revealBlocks: 50,
            disputeBlocks: DISPUTE_BLOCKS,
            openUntil: uint40(vm.getBlockNumber()) + 100_000,
            ownerPaysMisses: false
        });
    }

    function createProject(ProjectParams memory params) internal {
        vm.prank(projectOwner);
        assertEq(submissions.createProject{value: uint256(params.pool) + params.budget}(params), 1);
    }

    function commit(string memory cid) internal returns (uint32 index) {
        bytes32 commitment = Digests.commitment(block.chainid, address(submissions), 1, contributor, cid, SALT);
        vm.prank(contributor);
        return submissions.commit{value: BOND}(1, commitment);
    }

    function reveal(uint32 index, string memory cid) internal {
        vm.prank(contributor);
        submissions.reveal(1, index, cid, SALT);
    }

    /// @dev Commit and reveal. The task opens if the submission is the head.
    function enter(string memory cid) internal returns (uint32 index) {
        index = commit(cid);
        reveal(index, cid);
    }

    function taskIdOf(uint32 index, uint8 opening) internal view returns (bytes32) {
        return Digests.taskId(block.chainid, address(submissions), 1, index, opening);
    }

    /// @dev Go to attempt 0 of a submission's task.
    function start(uint32 index, uint8 opening) internal returns (bytes32 taskId) {
        taskId = taskIdOf(index, opening);
        goToStart(taskId);
    }

    /// @dev The operator whose turn it is certifies and posts.
    function decideInTurn(bytes32 taskId, uint8 attempt, uint128 bitmap, bool approved) internal {
        Evaluation memory evaluation = evaluationOf(taskId, attempt);
        submitAs(turnOf(taskId), infoOf(evaluation), certify(evaluation, bitmap, approved));
    }

    function turnOf(bytes32 taskId) internal view returns (uint256) {
        SealedSet memory set = governance.sealedSet(taskOf(taskId).setVersion);
        return slotOf(set.occupied, (vm.getBlockNumber() / TURN_BLOCKS) % set.count);
    }

    function creditOf(address account) internal view returns (uint256) {
        return submissions.creditOf(account, COIN);
    }
}
