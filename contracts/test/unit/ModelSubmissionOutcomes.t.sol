// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Outcomes} from "../../src/libraries/Outcomes.sol";
import {
    Code,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    RewardRule,
    Submission,
    Verdict
} from "../../src/types/Types.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev The outcome table, exact to the unit, and the split of the fee.
contract ModelSubmissionOutcomesTest is MarketTest {
    uint256 internal projectId;

    /// @dev The changes that one outcome must cause, compared with the state before the commit.
    struct Row {
        Outcome outcome;
        uint256 contributor;
        uint256 poolSpent;
        uint256 budgetSpent;
        uint256 treasury;
    }

    function setUp() public override {
        super.setUp();
        projectId = openProject();
    }

    // ---- the table

    function test_settle__improved__bond_and_reward_from_pool_and_budget() public {
        uint32 index = submit(projectId, alice, BETTER);
        vm.expectEmit(address(market));
        emit IModelSubmission.SubmissionSettled(
            projectId, index, headTask(projectId), Outcome.IMPROVED, 10_000, 15_000, 4_000
        );
        vm.expectEmit(address(market));
        emit IModelSubmission.ModelImproved(projectId, index, BETTER, 4_000);
        vm.expectEmit(address(market));
        emit IModelSubmission.RewardPaid(projectId, index, alice, MAX_REWARD);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(alice, COIN, BOND + MAX_REWARD);
        settleImproved(projectId);

        _assertRow(index, Row(Outcome.IMPROVED, BOND + MAX_REWARD, MAX_REWARD, FEE, 0));
        Project memory project = market.getProject(projectId);
        assertEq(project.championIndex, index);
        assertEq(project.championScore, 15_000);
        assertEq(market.championCid(projectId), BETTER);
        assertStatus(projectId, ProjectStatus.OPEN);
    }

    function test_settle__not_improved__contributor_pays_the_fee() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleMissed(projectId);
        _assertRow(index, Row(Outcome.NOT_IMPROVED, BOND - FEE, 0, 0, 0));
        _assertChampionIsInitial();
    }

    function test_settle__not_improved_owner_pays_misses__owner_pays_the_fee() public {
        ProjectParams memory params = defaultParams();
        params.ownerPaysMisses = true;
        projectId = openProject(params);
        uint32 index = submit(projectId, alice, BETTER);
        settleMissed(projectId);
        _assertRow(index, Row(Outcome.NOT_IMPROVED, BOND, 0, FEE, 0));
    }

    function test_settle__worse__rest_of_the_bond_slashed() public {
        uint32 index = submit(projectId, alice, BETTER);
        vm.expectEmit(address(market));
        emit IModelSubmission.BondSlashed(projectId, index, BOND - FEE);
        settleHead(projectId, Code.VALID, 10_000, 5_000, -8_000);
        _assertRow(index, Row(Outcome.WORSE, 0, 0, 0, BOND - FEE));
        _assertChampionIsInitial();
    }

    /// @dev `ownerPaysMisses` applies to NOT_IMPROVED only.
    function test_settle__worse_owner_pays_misses__slashed_all_the_same() public {
        ProjectParams memory params = defaultParams();
        params.ownerPaysMisses = true;
        projectId = openProject(params);
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, 10_000, 5_000, -8_000);
        _assertRow(index, Row(Outcome.WORSE, 0, 0, 0, BOND - FEE));
    }

    function test_settle__invalid__rest_of_the_bond_slashed() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.INVALID, 0, 0, 0);
        _assertRow(index, Row(Outcome.INVALID, 0, 0, 0, BOND - FEE));
        assertStatus(projectId, ProjectStatus.OPEN);
    }

    function test_settle__unavailable__contributor_pays_the_fee() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.UNAVAILABLE, 0, 0, 0);
        _assertRow(index, Row(Outcome.UNAVAILABLE, BOND - FEE, 0, 0, 0));
    }

    function test_settle__evaluator_failed__bond_back_owner_pays_and_is_suspended() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        _assertRow(index, Row(Outcome.EVALUATOR_FAILED, BOND, 0, FEE, 0));
        assertStatus(projectId, ProjectStatus.SUSPENDED);
        _assertChampionIsInitial();
    }

    /// @dev The numbers of an evaluation that is not VALID are ignored.
    function test_settle__failed_with_a_gain__is_no_improvement() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.INVALID, 0, 1_000_000, 900_000);
        _assertRow(index, Row(Outcome.INVALID, 0, 0, 0, BOND - FEE));
        _assertChampionIsInitial();
    }

    function test_settle__scores__are_kept() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, -10_000, -9_500, -200);
        Submission memory submission = market.getSubmission(projectId, index);
        assertEq(submission.championScore, -10_000);
        assertEq(submission.challengerScore, -9_500);
        assertEq(submission.gainLowerBound, -200);
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

    // ---- rewards

    function test_settle__linear__rate_times_bound() public {
        ProjectParams memory params = defaultParams();
        params.rewardRule = RewardRule.LINEAR;
        params.rewardRate = RATE;
        projectId = openProject(params);
        uint32 index = submit(projectId, alice, BETTER);
        settleImproved(projectId); // bound 4,000
        _assertRow(index, Row(Outcome.IMPROVED, BOND + 4_000 * RATE, 4_000 * RATE, FEE, 0));
    }

    function test_settle__linear__never_over_maxReward() public {
        ProjectParams memory params = defaultParams();
        params.rewardRule = RewardRule.LINEAR;
        params.rewardRate = type(uint128).max;
        projectId = openProject(params);
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, 0, type(int64).max, type(int64).max);
        _assertRow(index, Row(Outcome.IMPROVED, BOND + MAX_REWARD, MAX_REWARD, FEE, 0));
    }

    /// @dev A reward can be paid even when nothing else is left in the pool: it was reserved.
    function test_settle__pool_otherwise_empty__winner_paid_from_the_reserve() public {
        ProjectParams memory params = defaultParams();
        params.pool = MAX_REWARD;
        params.budget = 2 * FEE;
        projectId = openProject(params);
        submit(projectId, alice, BETTER);
        assertEq(market.getProject(projectId).poolFree, 0);
        assertEq(market.getProject(projectId).budgetFree, 0);
        settleImproved(projectId);
        assertEq(coinCreditOf(alice), BOND + MAX_REWARD);
        assertSolvent(COIN);
    }

    // ---- the fee

    function test_fee__split__performer_aggregator_attesters() public {
        uint256 performerBefore = coinCreditOf(performer);
        uint256 aggregatorBefore = coinCreditOf(aggregator);
        submit(projectId, alice, BETTER);
        bytes32 taskId = headTask(projectId);
        settleMissed(projectId);

        assertEq(coinCreditOf(performer) - performerBefore, PERFORMER_FEE);
        assertEq(coinCreditOf(aggregator) - aggregatorBefore, AGGREGATOR_FEE);
        _assertAttesterFees(taskId, ATTESTERS_FEE, ATTESTERS_FEE);
        assertEq(PERFORMER_FEE + AGGREGATOR_FEE + ATTESTERS_FEE, FEE);
    }

    /// @dev Attack: copied calldata. A poster out of turn gets nothing; the attesters get that part.
    function test_fee__no_aggregator__its_part_is_the_attesters() public {
        uint256 aggregatorBefore = coinCreditOf(aggregator);
        submit(projectId, alice, BETTER);
        Verdict memory verdict = verdictOf(headTask(projectId), Code.INVALID, 0, 0, 0);
        verdict.aggregatorReceiver = address(0);
        center.settle(verdict);

        assertEq(coinCreditOf(aggregator), aggregatorBefore);
        assertEq(coinCreditOf(address(0)), 0);
        _assertAttesterFees(
            verdict.evaluation.taskId, ATTESTERS_FEE_WITHOUT_AGGREGATOR, ATTESTERS_FEE_WITHOUT_AGGREGATOR
        );
        assertSolvent(COIN);
    }

    function test_fee__all_signed__aggregator_gets_its_whole_part() public {
        uint256 aggregatorBefore = coinCreditOf(aggregator);
        submit(projectId, alice, BETTER);
        Verdict memory verdict = verdictOf(headTask(projectId), Code.INVALID, 0, 0, 0);
        verdict.signedStake = TOTAL;
        center.settle(verdict);
        assertEq(coinCreditOf(aggregator) - aggregatorBefore, FEE / 10);
    }

    function test_payAttester__shares__by_stake_among_signers() public {
        bytes32 taskId = _settledTask();
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(attester, COIN, ATTESTERS_FEE * 30 / SIGNED);
        _pay(attester, taskId, 30);
        assertEq(coinCreditOf(attester), ATTESTERS_FEE * 30 / SIGNED); // 195
        _pay(bob, taskId, 50);
        assertEq(coinCreditOf(bob), ATTESTERS_FEE * 50 / SIGNED); // 326
        _assertAttesterFees(taskId, ATTESTERS_FEE, 1); // 195.75 + 326.25: rounding leaves one unit
        assertSolvent(COIN);
    }

    function test_payAttester__many_tasks__credits_each_in_its_token() public {
        bytes32 first = _settledTask();
        bytes32 second = _settledTask();
        bytes32[] memory taskIds = new bytes32[](2);
        uint96[] memory stakes = new uint96[](2);
        uint96[] memory signedStakes = new uint96[](2);
        (taskIds[0], taskIds[1]) = (first, second);
        (stakes[0], stakes[1]) = (SIGNED, 1);
        (signedStakes[0], signedStakes[1]) = (SIGNED, 2);
        center.payAttester(attester, taskIds, stakes, signedStakes);
        assertEq(coinCreditOf(attester), ATTESTERS_FEE + ATTESTERS_FEE / 2);
        assertSolvent(COIN);
    }

    /// @dev Invariant 10, also when the claimed stakes exceed the signed stake.
    function test_payAttester__more_than_the_fee__stops_at_the_fee() public {
        bytes32 taskId = _settledTask();
        _pay(attester, taskId, SIGNED);
        _pay(bob, taskId, SIGNED);
        assertEq(coinCreditOf(attester), ATTESTERS_FEE);
        assertEq(coinCreditOf(bob), 0);
        _assertAttesterFees(taskId, ATTESTERS_FEE, 0);
        assertSolvent(COIN);
    }

    function test_payAttester__not_avsLogic__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotAvsLogic.selector, stranger));
        vm.prank(stranger);
        market.payAttester(stranger, new bytes32[](0), new uint96[](0), new uint96[](0));
    }

    function test_payAttester__unknown_task__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownTask.selector, bytes32("x")));
        _pay(attester, "x", 1);
    }

    // ---- guards

    function test_settle__not_avsLogic__reverts() public {
        submit(projectId, alice, BETTER);
        Verdict memory verdict = verdictOf(headTask(projectId), Code.VALID, 0, 5_000, 4_000);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotAvsLogic.selector, timelock));
        vm.prank(timelock);
        market.settle(verdict);
    }

    function test_settle__unknown_task__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownTask.selector, bytes32("x")));
        center.settle(verdictOf("x", Code.VALID, 0, 0, 0));
    }

    /// @dev Invariant 2: a submission settles once.
    function test_settle__twice__reverts() public {
        submit(projectId, alice, BETTER);
        bytes32 taskId = headTask(projectId);
        settleImproved(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TaskNotRunning.selector, taskId));
        center.settle(verdictOf(taskId, Code.VALID, 0, 5_000, 4_000));
    }

    function test_settle__expired_task__reverts() public {
        submit(projectId, alice, BETTER);
        bytes32 taskId = headTask(projectId);
        center.expire(taskId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TaskNotRunning.selector, taskId));
        center.settle(verdictOf(taskId, Code.VALID, 0, 5_000, 4_000));

        market.advance(projectId, 1); // evaluated again, in its second task
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TaskNotRunning.selector, taskId));
        center.settle(verdictOf(taskId, Code.VALID, 0, 5_000, 4_000));
    }

    function test_settle__no_code__reverts() public {
        submit(projectId, alice, BETTER);
        Verdict memory verdict = verdictOf(headTask(projectId), Code.NONE, 0, 5_000, 4_000);
        vm.expectRevert(Outcomes.UndecidedCode.selector);
        center.settle(verdict);
    }

    // ---- helpers

    /// @dev Check all amounts that one submission of alice moved. The baseline's fee was paid before.
    function _assertRow(uint32 index, Row memory row) private view {
        Project memory project = market.getProject(projectId);
        assertFinal(projectId, index, row.outcome);
        assertEq(coinCreditOf(alice), row.contributor);
        assertEq(coinCreditOf(treasury), row.treasury);
        assertEq(coinCreditOf(owner), 0);
        assertEq(project.poolFree, POOL - row.poolSpent);
        assertEq(project.budgetFree, BUDGET - FEE - row.budgetSpent);
        _assertAttesterFees(market.getSubmission(projectId, index).taskId, ATTESTERS_FEE, ATTESTERS_FEE);
        assertEq(row.contributor + row.treasury + FEE, BOND + row.poolSpent + row.budgetSpent);
        assertSolvent(COIN);
    }

    function _assertChampionIsInitial() private view {
        assertEq(market.getProject(projectId).championIndex, 0);
        assertEq(market.championCid(projectId), INITIAL);
    }

    function _assertAttesterFees(bytes32 taskId, uint256 total, uint256 unclaimed) private view {
        (uint128 actualTotal, uint128 actualUnclaimed) = market.attesterFees(taskId);
        assertEq(actualTotal, total);
        assertEq(actualUnclaimed, unclaimed);
    }

    function _settledTask() private returns (bytes32 taskId) {
        submit(projectId, alice, BETTER);
        taskId = headTask(projectId);
        settleHead(projectId, Code.INVALID, 0, 0, 0);
    }

    function _pay(address receiver, bytes32 taskId, uint96 stake) private {
        bytes32[] memory taskIds = new bytes32[](1);
        uint96[] memory stakes = new uint96[](1);
        uint96[] memory signedStakes = new uint96[](1);
        (taskIds[0], stakes[0], signedStakes[0]) = (taskId, stake, SIGNED);
        center.payAttester(receiver, taskIds, stakes, signedStakes);
    }
}
