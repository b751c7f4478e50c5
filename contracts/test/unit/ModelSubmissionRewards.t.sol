// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {
    Code,
    Outcome,
    ProjectParams,
    ProjectStatus,
    RewardRule,
    RewardStatus,
    SubmissionStatus,
    WithheldReward
} from "../../src/types/Types.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev The amount of a reward, and how long it is withheld.
contract ModelSubmissionRewardsTest is MarketTest {
    uint40 internal projectId;

    // ---- amount

    function test_fixed__each_improvement__pays_maxReward() public {
        projectId = openProject();
        _improve(2_000, 1_000);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
        _improve(1_000, 1_000); // also without a gain over the baseline
        assertEq(creditOf(alice), 2 * (BOND + MAX_REWARD));
        assertEq(market.getProject(projectId).rewardsPaid, 2 * MAX_REWARD);
        assertSolvent();
    }

    function test_linear__rate_times_bound() public {
        _openLinear(0);
        assertEq(_improve(15_000, 4_000), 52_000);
        assertEq(market.getProject(projectId).rewardsPaid, 52_000);
    }

    /// @dev MAX_REWARD = 70,001 lies between 5,384 × 13 and 5,385 × 13.
    function test_linear__never_over_maxReward() public {
        _openLinear(0);
        assertEq(_improve(15_000, 5_384), 69_992);
        _openLinear(0);
        assertEq(_improve(15_000, 5_385), MAX_REWARD);
    }

    /// @dev Attack: claim again a gain that was paid already. All rewards together pay for the gain over the baseline.
    function test_linear__sum_of_rewards__at_most_rate_times_total_gain() public {
        _openLinear(100);
        assertEq(_improve(4_100, 4_000), 52_000); // all of 13 × 4,000
        assertEq(_improve(5_100, 4_000), 13_000); // 13 × 5,000 in all
        assertEq(_improve(5_100, 1_000), 0);
        assertEq(_improve(50, 1_000), 0); // below the baseline
        assertEq(_improve(5_101, 1_000), 13);
        assertEq(market.getProject(projectId).rewardsPaid, 13 * 5_001);
        assertSolvent();
    }

    function test_linear__edges_of_what_is_left() public {
        _openLinear(0);
        assertEq(_improve(1_000, 1_000), 13_000); // exactly what is left
        _openLinear(0);
        assertEq(_improve(999, 1_000), 12_987); // one step less
        _openLinear(0);
        assertEq(_improve(1_001, 1_000), 13_000); // one step more
        _openLinear(0);
        assertEq(_improve(1, 1_000), 13);
        _openLinear(0);
        assertEq(_improve(0, 1_000), 0);
        _openLinear(0);
        assertEq(_improve(-1, 1_000), 0);
    }

    function test_linear__negative_baseline__gain_is_the_difference() public {
        _openLinear(-500);
        assertEq(_improve(500, 2_000), 13_000);
    }

    /// @dev No reward is left: the contributor still gets its bond, and the model is the champion.
    function test_linear__reward_0__improved_all_the_same() public {
        _openLinear(0);
        uint32 index = submit(projectId, alice, BETTER);
        vm.expectEmit(address(market));
        emit IModelSubmission.RewardPaid(projectId, index, alice, 0);
        settleHead(projectId, Code.VALID, -2_000, 0, 1_000);
        assertFinal(projectId, index, Outcome.IMPROVED);
        assertEq(creditOf(alice), BOND);
        assertEq(market.getProject(projectId).championIndex, index);
        assertFree(projectId, POOL, BUDGET - 2 * FEE);
    }

    function test_linear__largest_numbers__dont_overflow() public {
        ProjectParams memory params = defaultParams();
        (params.rewardRule, params.rewardRate) = (RewardRule.LINEAR, type(uint96).max);
        projectId = createProject(params);
        settleHead(projectId, Code.VALID, 0, type(int64).min, 0);
        submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, 0, type(int64).max, type(int64).max);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
    }

    // ---- withheld

    function test_withheld__improved__bond_at_once_and_reward_later() public {
        projectId = openProject(disputable());
        uint32 first = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        uint32 index = submit(projectId, bob, "bafybob");
        skipBlocks(9);
        uint40 until = START + 9 + DISPUTE_BLOCKS;
        vm.expectEmit(address(market));
        emit IModelSubmission.RewardWithheld(projectId, index, MAX_REWARD, until);
        settleHead(projectId, Code.VALID, 15_000, 19_000, 3_000);

        WithheldReward memory expected =
            WithheldReward(RewardStatus.WITHHELD, MAX_REWARD, until, first, 15_000, address(0));
        assertEq(abi.encode(market.withheldReward(projectId, index)), abi.encode(expected));
        assertEq(creditOf(bob), BOND);
        assertEq(market.getProject(projectId).championIndex, index);
        assertEq(market.getProject(projectId).rewardsPaid, 2 * MAX_REWARD);
        assertFree(projectId, POOL - 2 * MAX_REWARD, BUDGET - 3 * FEE);
        assertSolvent();
    }

    function test_withheld__one_block__is_withheld() public {
        ProjectParams memory params = defaultParams();
        params.disputeBlocks = 1;
        projectId = openProject(params);
        uint32 index = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        assertEq(creditOf(alice), BOND);
        skipBlocks(1);
        market.release(projectId, index);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
    }

    function test_withheld__other_outcomes__nothing_is_withheld() public {
        projectId = openProject(disputable());
        uint32 index = submit(projectId, alice, BETTER);
        settleMissed(projectId);
        assertEq(uint256(market.withheldReward(projectId, index).status), uint256(RewardStatus.NONE));
    }

    // ---- release

    function test_release__edge_block__by_anyone_and_once() public {
        projectId = openProject(disputable());
        uint32 index = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        vm.roll(START + DISPUTE_BLOCKS - 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WithheldUntil.selector, START + DISPUTE_BLOCKS));
        vm.prank(alice);
        market.release(projectId, index);

        vm.roll(START + DISPUTE_BLOCKS);
        vm.expectEmit(address(market));
        emit IModelSubmission.RewardPaid(projectId, index, alice, MAX_REWARD);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(alice, COIN, MAX_REWARD);
        vm.prank(stranger);
        market.release(projectId, index);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
        WithheldReward memory nothing;
        assertEq(abi.encode(market.withheldReward(projectId, index)), abi.encode(nothing));
        assertFree(projectId, POOL - MAX_REWARD, BUDGET - 2 * FEE);
        assertSolvent();

        _expectNothingWithheld(index);
    }

    function test_release__in_a_token__credited_in_it() public {
        asset = address(token);
        projectId = openProject(disputable());
        uint32 index = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        skipBlocks(DISPUTE_BLOCKS);
        market.release(projectId, index);
        assertEq(market.creditOf(alice, address(token)), BOND + MAX_REWARD);
        assertEq(market.creditOf(alice, COIN), 0);
        assertSolvent();
    }

    function test_release__nothing_withheld__reverts() public {
        projectId = openProject();
        uint32 index = submit(projectId, alice, BETTER);
        _expectNothingWithheld(index); // not final
        settleImproved(projectId);
        _expectNothingWithheld(index); // paid at once
        _expectNothingWithheld(9);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.UnknownProject.selector, 9));
        market.release(9, 0);
    }

    /// @dev Two verdicts can be open to dispute at once, each with its own time.
    function test_release__several_withheld__each_at_its_time() public {
        projectId = openProject(disputable());
        uint32 first = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        skipBlocks(50);
        uint32 second = submit(projectId, bob, "bafybob");
        settleImproved(projectId);
        assertSolvent();

        vm.roll(START + DISPUTE_BLOCKS);
        market.release(projectId, first);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WithheldUntil.selector, START + 50 + DISPUTE_BLOCKS));
        market.release(projectId, second);
        skipBlocks(50);
        market.release(projectId, second);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
        assertEq(creditOf(bob), BOND + MAX_REWARD);
        assertSolvent();
    }

    /// @dev A withheld reward keeps nobody waiting.
    function test_withheld__next_submission__is_evaluated_meanwhile() public {
        projectId = openProject(disputable());
        submit(projectId, alice, BETTER);
        settleImproved(projectId);
        uint32 next = submit(projectId, bob, "bafybob");
        assertStatus(projectId, next, SubmissionStatus.EVALUATING);
        assertStatus(projectId, ProjectStatus.OPEN);
    }

    // ---- helpers

    function _openLinear(int64 baseline) private {
        ProjectParams memory params = defaultParams();
        (params.rewardRule, params.rewardRate) = (RewardRule.LINEAR, RATE);
        projectId = createProject(params);
        settleHead(projectId, Code.VALID, 0, baseline, 0);
    }

    /// @dev One IMPROVED submission of alice's. Returns its reward.
    function _improve(int64 challenger, int64 lowerBound) private returns (uint256) {
        uint256 before = creditOf(alice);
        uint32 index = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, 0, challenger, lowerBound);
        assertFinal(projectId, index, Outcome.IMPROVED);
        return creditOf(alice) - before - BOND;
    }

    function _expectNothingWithheld(uint32 index) private {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NothingWithheld.selector, projectId, index));
        market.release(projectId, index);
    }
}
