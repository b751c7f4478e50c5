// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Outcomes} from "../../src/libraries/Outcomes.sol";
import {
    Code,
    FeeShare,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    Submission,
    SubmissionStatus,
    Verdict
} from "../../src/types/Types.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev Thresholds between the outcomes, events of a settlement, guards. `OutcomeRows.t.sol` has the amounts.
contract ModelSubmissionOutcomesTest is MarketTest {
    uint40 internal projectId;

    function setUp() public override {
        super.setUp();
        projectId = openProject();
    }

    // ---- events and stored effects

    function test_settle__improved__events_in_order() public {
        uint32 index = submit(projectId, alice, BETTER);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionSettled(
            projectId, index, taskOf(projectId, index, 0), Outcome.IMPROVED, 10_000, 15_000, 4_000
        );
        vm.expectEmit(address(market));
        emit IModelSubmission.ModelImproved(projectId, index, 4_000);
        vm.expectEmit(address(market));
        emit IModelSubmission.RewardPaid(projectId, index, alice, MAX_REWARD);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(alice, COIN, MAX_REWARD);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(alice, COIN, BOND);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(performer, COIN, PERFORMER_FEE);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(aggregator, COIN, AGGREGATOR_FEE);
        settleImproved(projectId);
    }

    /// @dev No event for nothing: neither a slash of 0 nor a credit of 0.
    function test_settle__not_improved__only_what_moved_is_announced() public {
        submit(projectId, alice, BETTER);
        vm.recordLogs();
        settleMissed(projectId);
        assertEq(vm.getRecordedLogs().length, 4); // SubmissionSettled; Credited to contributor, performer, aggregator
    }

    function test_settle__improved__champion_and_queue_move_on() public {
        uint32 index = submit(projectId, alice, BETTER);
        skipBlocks(11);
        settleImproved(projectId);
        Project memory project = market.getProject(projectId);
        assertEq(project.championIndex, index);
        assertEq(project.championScore, 15_000);
        assertEq(project.baselineScore, 0);
        assertEq(project.rewardsPaid, MAX_REWARD);
        assertEq(project.head, index + 1);
        assertEq(project.headSince, START + 11);
        assertStatus(projectId, ProjectStatus.OPEN);
        Submission memory expected =
            Submission(alice, START, SubmissionStatus.FINAL, Outcome.IMPROVED, 1, 0, keccak256(bytes(BETTER)));
        assertEq(abi.encode(market.getSubmission(projectId, index)), abi.encode(expected));
    }

    function test_settle__not_improved__champion_stays() public {
        submit(projectId, alice, BETTER);
        settleMissed(projectId);
        Project memory project = market.getProject(projectId);
        assertEq(project.championIndex, 0);
        assertEq(project.championScore, 0);
        assertEq(project.rewardsPaid, 0);
        assertEq(project.head, 2);
    }

    function test_settle__worse__slash_announced() public {
        uint32 index = submit(projectId, alice, BETTER);
        vm.expectEmit(address(market));
        emit IModelSubmission.BondSlashed(projectId, index, BOND - FEE);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(treasury, COIN, BOND - FEE);
        settleHead(projectId, Code.VALID, 10_000, 5_000, -8_000);
        assertEq(market.getProject(projectId).championIndex, 0);
        assertStatus(projectId, ProjectStatus.OPEN);
    }

    function test_settle__evaluator_failed__project_suspended() public {
        submit(projectId, alice, BETTER);
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectSuspended(projectId);
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        assertStatus(projectId, ProjectStatus.SUSPENDED);
        assertEq(market.getProject(projectId).championIndex, 0);
    }

    function test_unrevealed__slash_announced() public {
        uint32 index = commit(projectId, alice, BETTER);
        skipBlocks(REVEAL_BLOCKS + 1);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionSettled(projectId, index, 0, Outcome.UNREVEALED, 0, 0, 0);
        vm.expectEmit(address(market));
        emit IModelSubmission.BondSlashed(projectId, index, BOND);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(treasury, COIN, BOND);
        vm.prank(stranger);
        market.advance(projectId, 1);
    }

    // ---- thresholds

    function test_settle__bound_at_minGain__improved() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, 0, 2_000, MIN_GAIN);
        assertFinal(projectId, index, Outcome.IMPROVED);
    }

    function test_settle__bound_below_minGain__not_improved() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, 0, 1_000_000, MIN_GAIN - 1);
        assertFinal(projectId, index, Outcome.NOT_IMPROVED);
    }

    /// @dev Upper bound = 2 × (−1,000) − (−1,500) = −500: exactly the tolerance.
    function test_settle__upper_bound_at_worseTolerance__not_improved() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, 0, -1_000, -1_500);
        assertFinal(projectId, index, Outcome.NOT_IMPROVED);
    }

    function test_settle__upper_bound_below_worseTolerance__worse() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, 0, -1_000, -1_499);
        assertFinal(projectId, index, Outcome.WORSE);
    }

    function test_settle__extreme_scores__dont_overflow() public {
        uint32 first = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, type(int64).max, type(int64).min, type(int64).min);
        assertFinal(projectId, first, Outcome.WORSE);
        uint32 second = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, type(int64).min, type(int64).max, type(int64).min);
        assertFinal(projectId, second, Outcome.NOT_IMPROVED);
    }

    // ---- operators

    function test_payOperator__all_roles__one_credit_of_their_sum() public {
        submit(projectId, alice, BETTER);
        center.setPayees(stranger, stranger); // so that the operator itself claims
        settleMissed(projectId);
        FeeShare[] memory shares = new FeeShare[](1);
        shares[0] = FeeShare(projectId, true, true, type(uint32).max, 30, TOTAL);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(attester, COIN, 150 + PERFORMER_FEE + AGGREGATOR_FEE); // 502 × 30 %
        center.payOperator(attester, shares);
    }

    function test_payOperator__many_settlements__each_in_its_token() public {
        uint40 inCoin = projectId;
        submit(inCoin, alice, BETTER);
        settleMissed(inCoin);
        asset = address(token);
        uint40 inToken = openProject();
        submit(inToken, alice, BETTER);
        Verdict memory verdict = verdictOf(inToken, Code.INVALID, 0, 0, 0);
        verdict.isAggregatorPaid = false;
        center.settle(verdict);

        FeeShare[] memory shares = new FeeShare[](3);
        shares[0] = attesterShare(inCoin, true, 30);
        shares[1] = attesterShare(inToken, false, 30);
        shares[2] = attesterShare(inCoin, true, 7);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(attester, COIN, 150); // 502 × 30 %
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(attester, address(token), 180); // 602 × 30 %
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(attester, COIN, 35); // 502 × 7 %
        center.payOperator(attester, shares);
        assertEq(market.creditOf(attester, COIN), 185);
        assertEq(market.creditOf(attester, address(token)), 180);
        assertSolvent();
    }

    function test_payOperator__not_avsLogic__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotAvsLogic.selector, stranger));
        vm.prank(stranger);
        market.payOperator(stranger, new FeeShare[](0));
    }

    // ---- guards

    function test_settle__not_avsLogic__reverts() public {
        submit(projectId, alice, BETTER);
        Verdict memory verdict = verdictOf(projectId, Code.VALID, 0, 5_000, 4_000);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotAvsLogic.selector, timelock));
        vm.prank(timelock);
        market.settle(verdict);
    }

    /// @dev Invariant 2: a submission settles once, and only while its task runs.
    function test_settle__not_running__reverts() public {
        uint32 index = submit(projectId, alice, BETTER);
        Verdict memory verdict = verdictOf(projectId, Code.VALID, 0, 5_000, 4_000);
        expireHead(projectId);
        _expectNotRunning(verdict); // revealed again
        market.advance(projectId, 1);
        center.settle(verdict);
        _expectNotRunning(verdict); // final

        verdict.submissionIndex = index + 1;
        _expectNotRunning(verdict); // unknown
        commit(projectId, bob, BETTER);
        _expectNotRunning(verdict); // hidden
    }

    function test_settle__no_code__reverts() public {
        submit(projectId, alice, BETTER);
        Verdict memory verdict = verdictOf(projectId, Code.NONE, 0, 5_000, 4_000);
        vm.expectRevert(Outcomes.UndecidedCode.selector);
        center.settle(verdict);
        uint40 young = createProject(defaultParams());
        verdict = verdictOf(young, Code.NONE, 0, 0, 0);
        vm.expectRevert(Outcomes.UndecidedCode.selector);
        center.settle(verdict);
    }

    function _expectNotRunning(Verdict memory verdict) private {
        bytes4 selector = IModelSubmission.SubmissionNotRunning.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, verdict.projectId, verdict.submissionIndex));
        center.settle(verdict);
    }
}
