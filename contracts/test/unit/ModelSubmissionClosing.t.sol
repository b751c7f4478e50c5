// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Code, Outcome, ProjectParams, ProjectStatus} from "../../src/types/Types.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev A project's end: closing, the rest of its escrow, suspension.
contract ModelSubmissionClosingTest is MarketTest {
    uint40 private constant GRACE = 50_400;

    uint40 internal projectId;

    function setUp() public override {
        super.setUp();
        projectId = openProject();
    }

    // ---- closing

    function test_closeProject__owner__closes_early() public {
        skipBlocks(5);
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectClosed(projectId);
        closeByOwner(projectId);
        assertStatus(projectId, ProjectStatus.CLOSED);
        assertEq(market.getProject(projectId).openUntil, START + 5);
    }

    function test_closeProject__stranger__only_from_openUntil_on() public {
        vm.roll(OPEN_UNTIL - 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotProjectOwner.selector, stranger));
        vm.prank(stranger);
        market.closeProject(projectId);

        vm.roll(OPEN_UNTIL);
        vm.prank(stranger);
        market.closeProject(projectId);
        assertStatus(projectId, ProjectStatus.CLOSED);
    }

    function test_closeProject__late__openUntil_stays() public {
        vm.roll(OPEN_UNTIL + 9);
        closeByOwner(projectId);
        assertEq(market.getProject(projectId).openUntil, OPEN_UNTIL);
    }

    function test_closeProject__baseline_pending__reverts() public {
        uint40 young = createProject(defaultParams());
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, young));
        closeByOwner(young);
    }

    function test_closeProject__twice__reverts() public {
        closeByOwner(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        closeByOwner(projectId);
    }

    /// @dev Attack: an owner sees a good challenger and closes the project. It is still evaluated and paid.
    function test_closeProject__under_pending_submissions__they_finish_and_are_paid() public {
        submit(projectId, alice, BETTER);
        uint32 hidden = commit(projectId, bob, "bafybob");
        closeByOwner(projectId);

        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionsPending.selector, projectId));
        vm.prank(owner);
        market.withdrawEscrow(projectId);

        settleImproved(projectId);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
        reveal(projectId, hidden, bob, "bafybob");
        settleImproved(projectId);
        assertEq(creditOf(bob), BOND + MAX_REWARD);
        assertSolvent();
    }

    // ---- escrow

    function test_withdrawEscrow__closed__credits_all_that_is_left_once() public {
        submit(projectId, alice, BETTER);
        settleImproved(projectId);
        closeByOwner(projectId);
        uint256 left = POOL - MAX_REWARD + BUDGET - 2 * FEE;
        vm.expectEmit(address(market));
        emit IModelSubmission.Credited(owner, COIN, left);
        vm.prank(owner);
        market.withdrawEscrow(projectId);

        assertEq(creditOf(owner), left);
        assertFree(projectId, 0, 0);
        assertSolvent();
        vm.expectRevert(IModelSubmission.NothingToWithdraw.selector);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
    }

    function test_withdrawEscrow__only_a_budget_left__credited() public {
        _spendPoolAndClose();
        assertFree(projectId, 0, BUDGET - 2 * FEE);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        assertEq(creditOf(owner), BUDGET - 2 * FEE);
    }

    function test_withdrawEscrow__still_open__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectStillOpen.selector, projectId));
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        uint40 young = createProject(defaultParams());
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectStillOpen.selector, young));
        vm.prank(owner);
        market.withdrawEscrow(young);
    }

    /// @dev The grace starts at the closing block, if the project was closed before openUntil.
    function test_withdrawEscrow__absent_owner__credited_by_anyone_after_the_grace() public {
        skipBlocks(5);
        closeByOwner(projectId);
        vm.roll(START + 5 + GRACE - 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotProjectOwner.selector, timelock));
        vm.prank(timelock); // no admin path reaches escrow
        market.withdrawEscrow(projectId);

        vm.roll(START + 5 + GRACE);
        vm.prank(stranger);
        market.withdrawEscrow(projectId);
        assertEq(creditOf(owner), POOL + BUDGET - FEE);
        assertEq(creditOf(stranger), 0);
        assertSolvent();
    }

    function test_withdrawEscrow__closed_by_a_stranger__grace_from_openUntil() public {
        vm.roll(OPEN_UNTIL);
        vm.prank(stranger);
        market.closeProject(projectId);
        vm.roll(OPEN_UNTIL + GRACE - 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotProjectOwner.selector, stranger));
        vm.prank(stranger);
        market.withdrawEscrow(projectId);
        vm.roll(OPEN_UNTIL + GRACE);
        vm.prank(stranger);
        market.withdrawEscrow(projectId);
        assertEq(creditOf(owner), POOL + BUDGET - FEE);
    }

    function test_withdrawEscrow__grace_over_but_pending__reverts() public {
        submit(projectId, alice, BETTER);
        closeByOwner(projectId);
        skipBlocks(GRACE);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionsPending.selector, projectId));
        vm.prank(stranger);
        market.withdrawEscrow(projectId);
    }

    /// @dev A withheld reward is no longer the owner's.
    function test_withdrawEscrow__reward_withheld__stays_for_the_contributor() public {
        projectId = openProject(disputable());
        uint32 index = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        closeByOwner(projectId);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        assertEq(creditOf(owner), POOL - MAX_REWARD + BUDGET - 2 * FEE);

        skipBlocks(DISPUTE_BLOCKS);
        market.release(projectId, index);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
        assertSolvent();
    }

    // ---- suspension

    function test_suspended__pending_ones_cancelled_then_closed_and_withdrawn() public {
        submit(projectId, alice, BETTER);
        uint32 revealed = submit(projectId, bob, "bafybob");
        uint32 hidden = commit(projectId, alice, "bafyhidden");
        vm.expectEmit(address(market));
        emit IModelSubmission.ProjectSuspended(projectId);
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        assertStatus(projectId, ProjectStatus.SUSPENDED);

        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.SubmissionsPending.selector, projectId));
        closeByOwner(projectId);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectStillOpen.selector, projectId));
        vm.prank(owner);
        market.withdrawEscrow(projectId);

        // Also a hidden submission within its window: a suspended project needs no reveal.
        assertEq(market.advance(projectId, 9), 2);
        assertFinal(projectId, revealed, Outcome.CANCELLED);
        assertFinal(projectId, hidden, Outcome.CANCELLED);
        assertEq(creditOf(alice), 2 * BOND);
        assertEq(creditOf(bob), BOND);
        assertEq(center.requestCount(), 2); // of the baseline and of alice's first

        closeByOwner(projectId);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        assertEq(creditOf(owner), POOL + BUDGET - 2 * FEE);
        assertSolvent();
    }

    function test_suspended__window_passed_meanwhile__bond_back() public {
        submit(projectId, alice, BETTER);
        uint32 hidden = commit(projectId, bob, "bafybob");
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        skipBlocks(REVEAL_BLOCKS + 1);
        market.advance(projectId, 1);
        assertFinal(projectId, hidden, Outcome.CANCELLED);
        assertEq(creditOf(bob), BOND);
    }

    /// @dev A reveal in a suspended project gives the bond back at once, and opens no task.
    function test_suspended__head_revealed__cancelled() public {
        submit(projectId, alice, BETTER);
        uint32 hidden = commit(projectId, bob, "bafybob");
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        reveal(projectId, hidden, bob, "bafybob");
        assertFinal(projectId, hidden, Outcome.CANCELLED);
        assertEq(creditOf(bob), BOND);
    }

    function test_suspended__commit__refused() public {
        submit(projectId, alice, BETTER);
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.ProjectNotOpen.selector, projectId));
        commit(projectId, bob, BETTER);
    }

    function test_suspended__stranger__closes_only_from_openUntil_on() public {
        submit(projectId, alice, BETTER);
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        vm.roll(OPEN_UNTIL - 1);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotProjectOwner.selector, stranger));
        vm.prank(stranger);
        market.closeProject(projectId);
        vm.roll(OPEN_UNTIL);
        vm.prank(stranger);
        market.closeProject(projectId);
        assertStatus(projectId, ProjectStatus.CLOSED);
    }

    /// @dev A closed project is suspended as well, so that its pending submissions do not meet a failing evaluator.
    function test_suspended__after_closing__pending_ones_cancelled_and_closed_again_by_anyone() public {
        submit(projectId, alice, BETTER);
        uint32 waiting = submit(projectId, bob, "bafybob");
        closeByOwner(projectId);
        settleHead(projectId, Code.EVALUATOR_FAILED, 0, 0, 0);
        assertStatus(projectId, ProjectStatus.SUSPENDED);
        market.advance(projectId, 9);
        assertFinal(projectId, waiting, Outcome.CANCELLED);

        vm.prank(stranger); // openUntil was moved to the first closing
        market.closeProject(projectId);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        assertEq(creditOf(owner), POOL + BUDGET - 2 * FEE);
    }

    // ---- helpers

    /// @dev `projectId` becomes a closed project that has only a budget left.
    function _spendPoolAndClose() private {
        ProjectParams memory params = defaultParams();
        params.pool = MAX_REWARD;
        projectId = openProject(params);
        submit(projectId, alice, BETTER);
        settleImproved(projectId);
        closeByOwner(projectId);
    }
}
