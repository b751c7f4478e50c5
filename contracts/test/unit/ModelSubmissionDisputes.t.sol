// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Tokens} from "../../src/libraries/Tokens.sol";
import {
    Code,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    RewardRule,
    RewardStatus,
    WithheldReward
} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "../support/FakeAttestationCenter.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev Disputes of a withheld reward and their rulings. Projects are paid in a token, the disputes' bonds in the coin.
contract ModelSubmissionDisputesTest is MarketTest {
    uint40 private constant UNTIL = START + DISPUTE_BLOCKS;

    uint40 internal projectId;
    uint32 internal index; // alice's IMPROVED submission

    function setUp() public override {
        super.setUp();
        asset = address(token);
        projectId = openProject(disputable());
        index = submit(projectId, alice, BETTER);
        settleImproved(projectId);
    }

    // ---- dispute

    function test_dispute__last_block__holds_the_reward_back() public {
        vm.roll(UNTIL - 1);
        uint40 ruling = UNTIL - 1 + RESOLVE_BLOCKS;
        vm.expectEmit(address(market));
        emit IModelSubmission.RewardDisputed(projectId, index, stranger, ruling);
        disputeBy(stranger, projectId, index);

        WithheldReward memory expected = WithheldReward(RewardStatus.DISPUTED, MAX_REWARD, ruling, 0, 0, stranger);
        assertEq(abi.encode(market.withheldReward(projectId, index)), abi.encode(expected));
        assertEq(address(market).balance, DISPUTE_BOND);
        assertSolvent();
        vm.roll(ruling - 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WithheldUntil.selector, ruling));
        market.release(projectId, index);
    }

    /// @dev Attack: a contributor disputes its own reward, so that the ruling's shorter time ends the wait.
    function test_dispute__ruling_shorter_than_the_window__window_stays() public {
        IModelSubmission.Limits memory limits = defaultLimits();
        limits.resolveBlocks = 1;
        center = new FakeAttestationCenter();
        market = deployMarket(limits, UNBONDING_BLOCKS);
        asset = COIN;
        projectId = openProject(disputable());
        index = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        uint40 until = market.withheldReward(projectId, index).until;
        disputeBy(alice, projectId, index);
        assertEq(market.withheldReward(projectId, index).until, until);
        vm.roll(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WithheldUntil.selector, until));
        market.release(projectId, index);
    }

    function test_dispute__too_late__reverts() public {
        vm.roll(UNTIL);
        vm.deal(address(this), DISPUTE_BOND);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.DisputeTooLate.selector, UNTIL));
        center.dispute{value: DISPUTE_BOND}(projectId, index, stranger);
    }

    function test_dispute__wrong_bond__reverts() public {
        vm.deal(address(this), 2 * DISPUTE_BOND);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, DISPUTE_BOND - 1, DISPUTE_BOND));
        center.dispute{value: DISPUTE_BOND - 1}(projectId, index, stranger);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, DISPUTE_BOND + 1, DISPUTE_BOND));
        center.dispute{value: DISPUTE_BOND + 1}(projectId, index, stranger);
    }

    function test_dispute__nothing_withheld__reverts() public {
        disputeBy(stranger, projectId, index);
        _expectNothingToDispute(projectId, index); // disputed already
        market.release(_released(), 1);
        _expectNothingToDispute(projectId, 1);
        uint32 missed = submit(projectId, bob, "bafybob");
        settleMissed(projectId);
        _expectNothingToDispute(projectId, missed);
        _expectNothingToDispute(projectId, 9);
        _expectNothingToDispute(99, 0);
    }

    function test_dispute__not_avsLogic__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotAvsLogic.selector, stranger));
        vm.prank(stranger);
        market.dispute{value: DISPUTE_BOND}(projectId, index, stranger);
    }

    /// @dev No dispute blocks the queue.
    function test_dispute__running__other_submissions_go_on() public {
        disputeBy(stranger, projectId, index);
        uint32 next = submit(projectId, bob, "bafybob");
        settleMissed(projectId);
        assertFinal(projectId, next, Outcome.NOT_IMPROVED);
        assertSolvent();
    }

    // ---- upheld

    function test_resolve__upheld__contributor_gets_reward_and_bond() public {
        disputeBy(stranger, projectId, index);
        vm.roll(START + RESOLVE_BLOCKS - 1); // the last block of a ruling
        vm.expectEmit(address(market));
        emit IModelSubmission.RewardPaid(projectId, index, alice, MAX_REWARD);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(alice, address(token), MAX_REWARD);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(alice, COIN, DISPUTE_BOND);
        assertEq(center.resolve(projectId, index, false), stranger);

        assertEq(creditOf(alice), BOND + MAX_REWARD);
        assertEq(market.creditOf(alice, COIN), DISPUTE_BOND);
        assertEq(market.creditOf(stranger, COIN), 0);
        assertEq(market.getProject(projectId).championIndex, index);
        assertFree(projectId, POOL - MAX_REWARD, BUDGET - 2 * FEE);
        _assertNothingWithheld();
        assertSolvent();
    }

    /// @dev A resolver that says nothing must not keep the money.
    function test_release__no_ruling_in_time__verdict_stands() public {
        disputeBy(stranger, projectId, index);
        vm.roll(START + RESOLVE_BLOCKS);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.DisputeTooLate.selector, START + RESOLVE_BLOCKS));
        center.resolve(projectId, index, true);
        vm.prank(bob);
        market.release(projectId, index);

        assertEq(creditOf(alice), BOND + MAX_REWARD);
        assertEq(market.creditOf(alice, COIN), DISPUTE_BOND);
        assertEq(market.creditOf(stranger, COIN), 0);
        _assertNothingWithheld();
        assertSolvent();
    }

    // ---- overturned, nothing built on it

    function test_resolve__overturned__reward_to_the_pool_and_champion_restored() public {
        disputeBy(stranger, projectId, index);
        vm.expectEmit(address(market));
        emit IModelSubmission.RewardReturned(projectId, index, MAX_REWARD);
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(stranger, COIN, DISPUTE_BOND);
        vm.expectEmit(address(market));
        emit IModelSubmission.ChampionRestored(projectId, 0);
        assertEq(center.resolve(projectId, index, true), stranger);

        Project memory project = market.getProject(projectId);
        assertEq(project.championIndex, 0);
        assertEq(project.championScore, 0);
        assertEq(project.rewardsPaid, 0);
        assertStatus(projectId, ProjectStatus.OPEN);
        assertFree(projectId, POOL, BUDGET - 2 * FEE);
        assertEq(creditOf(alice), BOND);
        assertEq(market.creditOf(alice, COIN), 0);
        _assertNothingWithheld();
        assertSolvent();
    }

    function test_resolve__overturned_second_champion__first_comes_back() public {
        uint32 second = submit(projectId, bob, "bafybob");
        settleHead(projectId, Code.VALID, 15_000, 20_000, 4_000);
        disputeBy(stranger, projectId, second);
        center.resolve(projectId, second, true);
        Project memory project = market.getProject(projectId);
        assertEq(project.championIndex, index);
        assertEq(project.championScore, 15_000);
        assertEq(project.rewardsPaid, MAX_REWARD);
        assertStatus(projectId, ProjectStatus.OPEN);

        // The next task meets the restored champion.
        submit(projectId, carol, "bafycarol");
        assertEq(center.requestAt(3).championIndex, index);
    }

    /// @dev Only a commit or a reveal came later: no task was compared with the false champion.
    function test_resolve__overturned_before_a_later_task__project_goes_on() public {
        uint32 hidden = commit(projectId, bob, "bafybob");
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, true);
        assertStatus(projectId, ProjectStatus.OPEN);
        reveal(projectId, hidden, bob, "bafybob");
        assertEq(center.requestAt(2).championIndex, 0);
        settleImproved(projectId);
        assertFinal(projectId, hidden, Outcome.IMPROVED);
    }

    /// @dev The same gain can be paid again, because its first reward came back.
    function test_resolve__overturned_linear__gain_can_be_won_again() public {
        ProjectParams memory params = disputable();
        (params.rewardRule, params.rewardRate) = (RewardRule.LINEAR, RATE);
        projectId = openProject(params);
        uint32 lie = submit(projectId, alice, BETTER);
        settleHead(projectId, Code.VALID, 0, 4_000, 4_000);
        disputeBy(stranger, projectId, lie);
        center.resolve(projectId, lie, true);
        uint32 honest = submit(projectId, bob, "bafybob");
        settleHead(projectId, Code.VALID, 0, 4_000, 4_000);
        assertEq(market.withheldReward(projectId, honest).reward, 52_000);
        assertSolvent();
    }

    // ---- overturned, a later task was opened

    function test_resolve__overturned_under_a_running_task__suspended() public {
        uint32 running = submit(projectId, bob, "bafybob");
        disputeBy(stranger, projectId, index);
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectSuspended(projectId);
        center.resolve(projectId, index, true);
        assertStatus(projectId, ProjectStatus.SUSPENDED);
        assertEq(market.getProject(projectId).championIndex, index); // only the owner can know what to do
        assertFree(projectId, POOL - MAX_REWARD, BUDGET - 3 * FEE); // reward came back; the running task keeps its own

        // Nobody can win or lose against a false champion: bond back, and the owner pays the operators.
        settleImproved(projectId);
        assertFinal(projectId, running, Outcome.EVALUATOR_FAILED);
        assertEq(creditOf(bob), BOND);
        assertEq(creditOf(treasury), 0);
        assertEq(creditOf(performer), 3 * PERFORMER_FEE);
        assertEq(market.getProject(projectId).championIndex, index);
        assertFree(projectId, POOL, BUDGET - 3 * FEE);
        assertSolvent();
    }

    function test_resolve__overturned_under_a_running_task__a_loss_costs_nothing() public {
        uint32 running = submit(projectId, bob, "bafybob");
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, true);
        settleHead(projectId, Code.INVALID, 0, 0, 0);
        assertFinal(projectId, running, Outcome.EVALUATOR_FAILED);
        assertEq(creditOf(bob), BOND);
        assertSolvent();
    }

    function test_resolve__overturned_under_a_running_task__expiry_cancels() public {
        uint32 running = submit(projectId, bob, "bafybob");
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, true);
        expireHead(projectId);
        assertEq(market.advance(projectId, 9), 1);
        assertFinal(projectId, running, Outcome.CANCELLED);
        assertEq(creditOf(bob), BOND);
        assertSolvent();
    }

    function test_resolve__overturned_after_a_later_task__suspended() public {
        submit(projectId, bob, "bafybob");
        settleMissed(projectId);
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, true);
        assertStatus(projectId, ProjectStatus.SUSPENDED);
        assertEq(market.getProject(projectId).championIndex, index);
        assertFree(projectId, POOL, BUDGET - 2 * FEE); // bob's miss was paid from his bond
        assertSolvent();
    }

    function test_resolve__overturned_under_a_later_champion__suspended() public {
        uint32 later = submit(projectId, bob, "bafybob");
        settleHead(projectId, Code.VALID, 15_000, 20_000, 4_000);
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, true);
        Project memory project = market.getProject(projectId);
        assertStatus(projectId, ProjectStatus.SUSPENDED);
        assertEq(project.championIndex, later);
        assertEq(project.championScore, 20_000);
        assertEq(project.rewardsPaid, MAX_REWARD);

        // The later reward stays withheld, and is released in time.
        vm.roll(UNTIL);
        market.release(projectId, later);
        assertEq(creditOf(bob), BOND + MAX_REWARD);
        assertSolvent();
    }

    /// @dev The project was suspended meanwhile for another reason; it is not announced twice.
    /// @dev Both verdicts are overturned, the earlier one first: the earlier lie must not come back as champion.
    function test_resolve__two_overturned__the_first_lie_does_not_come_back() public {
        uint32 second = submit(projectId, bob, "bafybob");
        settleImproved(projectId);
        disputeBy(stranger, projectId, index);
        disputeBy(stranger, projectId, second);
        center.resolve(projectId, index, true);
        center.resolve(projectId, second, true);
        assertStatus(projectId, ProjectStatus.SUSPENDED);
        assertEq(market.getProject(projectId).championIndex, second);
        assertSolvent();
    }

    function test_resolve__overturned_in_a_suspended_project__stays_suspended() public {
        submit(projectId, bob, "bafybob");
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        disputeBy(stranger, projectId, index);
        vm.recordLogs();
        center.resolve(projectId, index, true);
        assertEq(vm.getRecordedLogs().length, 2); // RewardReturned, Credited
        assertStatus(projectId, ProjectStatus.SUSPENDED);
        assertFree(projectId, POOL, BUDGET - 3 * FEE);
        assertSolvent();
    }

    // ---- overturned in a closed project

    function test_resolve__overturned_after_the_escrow_left__reward_can_be_withdrawn() public {
        closeByOwner(projectId);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, true);
        assertStatus(projectId, ProjectStatus.CLOSED);
        assertFree(projectId, MAX_REWARD, 0);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        assertEq(creditOf(owner), POOL + BUDGET - 2 * FEE);
        assertSolvent();
    }

    function test_resolve__overturned_late_in_a_closed_project__anyone_closes_it_again() public {
        submit(projectId, bob, "bafybob");
        settleMissed(projectId);
        closeByOwner(projectId);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, true);
        assertStatus(projectId, ProjectStatus.SUSPENDED);
        vm.prank(stranger);
        market.closeProject(projectId);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        assertEq(creditOf(owner), POOL + BUDGET - 2 * FEE);
        assertSolvent();
    }

    // ---- guards

    function test_resolve__not_disputed__reverts() public {
        _expectNotDisputed(index); // withheld only
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, true);
        _expectNotDisputed(index);
        _expectNotDisputed(9);
    }

    function test_resolve__upheld_already__reverts() public {
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, false);
        _expectNotDisputed(index);
        _expectNothingToDispute(projectId, index);
    }

    function test_resolve__not_avsLogic__reverts() public {
        disputeBy(stranger, projectId, index);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotAvsLogic.selector, stranger));
        vm.prank(stranger);
        market.resolve(projectId, index, true);
    }

    // ---- helpers

    /// @dev `projectId` becomes another project, whose submission 1 can be released.
    function _released() private returns (uint40) {
        projectId = openProject(disputable());
        submit(projectId, bob, BETTER);
        settleImproved(projectId);
        skipBlocks(DISPUTE_BLOCKS);
        return projectId;
    }

    function _assertNothingWithheld() private view {
        WithheldReward memory nothing;
        assertEq(abi.encode(market.withheldReward(projectId, index)), abi.encode(nothing));
    }

    function _expectNothingToDispute(uint40 id, uint32 submission) private {
        vm.deal(address(this), DISPUTE_BOND);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NothingWithheld.selector, id, submission));
        center.dispute{value: DISPUTE_BOND}(id, submission, bob);
    }

    function _expectNotDisputed(uint32 submission) private {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotDisputed.selector, projectId, submission));
        center.resolve(projectId, submission, false);
    }
}
