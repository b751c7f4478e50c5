// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ModelSubmission} from "../../src/ModelSubmission.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {
    Outcome,
    ProjectParams,
    ProjectStatus,
    RewardRule,
    Submission,
    SubmissionStatus,
    Task
} from "../../src/types/Types.sol";
import {AttestationFixture} from "../support/AttestationFixture.sol";

/// @dev All six contracts wired as in production, operators with real signatures, one project to the last payment.
contract WholeFlowTest is AttestationFixture {
    uint128 private constant POOL = 10 ether;
    uint128 private constant BUDGET = 1 ether;
    uint128 private constant REWARD = 2 ether;
    uint128 private constant BOND = 0.3 ether;
    uint128 private constant FEE = 0.1 ether;
    string private constant BETTER_CID = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
    uint128 private constant ALL = 7;

    ModelSubmission private submissions;
    address private treasury;
    address private projectOwner;
    address private contributor;

    function setUp() public {
        treasury = makeAddress("treasury");
        projectOwner = makeAddress("project owner");
        contributor = makeAddress("contributor");
        vm.deal(projectOwner, 100 ether);
        vm.deal(contributor, 100 ether);

        deployGround();
        address expected = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        wire(expected);
        submissions = new ModelSubmission(address(avsLogic), center, treasury, timelock, 16, 1_000);
        assertEq(address(submissions), expected);
        registerAndSeal(3);
    }

    function test_flow__baseline_then_better_model__everybody_is_paid() public {
        openProject();
        submit(1);
        bytes32 taskId = start(1, 0);
        assertEq(taskOf(taskId).inputRoot, Digests.inputRoot(submissions.taskInput(1, 1)));
        decide(taskId, 0, 6, false); // one wrong evaluation on the way
        decide(taskId, 1, ALL, true);

        Submission memory submission = submissions.getSubmission(1, 1);
        assertTrue(submission.outcome == Outcome.IMPROVED, "improved");
        assertEq(submissions.championCid(1), BETTER_CID);
        assertEq(submissions.creditOf(contributor, address(0)), uint256(BOND) + REWARD);

        closeAndEmpty();
        claimAll();
        withdrawAll();
        // Two evaluations' fees went to the operators; what remains is less than a unit for each rounded share.
        assertEq(contributor.balance, 100 ether + REWARD);
        assertEq(projectOwner.balance, 100 ether - REWARD - 2 * FEE);
        assertLe(address(submissions).balance, 10);
        assertEq(address(submissions).balance, submissions.escrowOf(address(0)));
    }

    function test_flow__no_verdict_twice__bond_returns() public {
        openProject();
        submit(1);
        expire(start(1, 0));
        assertTrue(submissions.getSubmission(1, 1).status == SubmissionStatus.REVEALED, "re-opened once");
        submissions.advance(1, 1);
        expire(start(1, 1));
        assertTrue(submissions.getSubmission(1, 1).outcome == Outcome.EXPIRED, "expired");
        assertEq(submissions.creditOf(contributor, address(0)), BOND);
    }

    function test_flow__too_few_operators__opens_once_there_are_enough() public {
        vm.prank(timelock);
        governance.eject(operatorOf(2));
        governance.sealOperatorSet();
        createProject();
        bytes32 taskId = taskIdOf(0, 0);
        assertEq(taskOf(taskId).seedBlock, 0);

        register(3, STAKE);
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        submissions.advance(1, 1);
        assertEq(taskOf(taskId).setVersion, 3);
    }

    // ---- steps

    function openProject() private {
        createProject();
        decide(start(0, 0), 0, ALL, true);
        assertTrue(submissions.getProject(1).status == ProjectStatus.OPEN, "open");
    }

    function createProject() private {
        ProjectParams memory params = ProjectParams({
            architectureCid: REPORT_CID,
            parametersCid: REPORT_CID,
            evaluatorCid: REPORT_CID,
            token: address(0),
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
            attemptBlocks: ATTEMPT_BLOCKS,
            revealBlocks: 50,
            openUntil: uint64(vm.getBlockNumber()) + 100_000,
            ownerPaysMisses: false
        });
        vm.prank(projectOwner);
        submissions.createProject{value: POOL + BUDGET}(params);
    }

    function submit(uint32 index) private {
        bytes32 salt = keccak256("salt");
        bytes32 commitment = Digests.commitment(block.chainid, address(submissions), 1, contributor, BETTER_CID, salt);
        vm.startPrank(contributor);
        assertEq(submissions.commit{value: BOND}(1, commitment), index);
        submissions.reveal(1, index, BETTER_CID, salt);
        vm.stopPrank();
    }

    function start(uint32 index, uint8 opening) private returns (bytes32 taskId) {
        taskId = taskIdOf(index, opening);
        Task memory task = taskOf(taskId);
        vm.roll(task.seedBlock + 1);
    }

    function taskIdOf(uint32 index, uint8 opening) private view returns (bytes32) {
        return Digests.taskId(block.chainid, address(submissions), 1, index, opening);
    }

    function expire(bytes32 taskId) private {
        vm.roll(taskOf(taskId).deadline + 1);
        center.expireTask(taskId);
    }

    function closeAndEmpty() private {
        vm.startPrank(projectOwner);
        submissions.closeProject(1);
        submissions.withdrawEscrow(1);
        vm.stopPrank();
    }

    function claimAll() private {
        for (uint256 index = 0; index < 3; ++index) {
            center.claim(operatorOf(index), center.settlementCount());
        }
    }

    function withdrawAll() private {
        address[5] memory accounts = [projectOwner, contributor, receiverOf(0), receiverOf(1), receiverOf(2)];
        for (uint256 i = 0; i < accounts.length; ++i) {
            vm.prank(accounts[i]);
            submissions.withdraw(address(0), accounts[i]);
        }
    }
}
