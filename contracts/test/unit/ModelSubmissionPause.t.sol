// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {ProjectParams, ProjectStatus, SubmissionStatus} from "../../src/types/Types.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev A pause stops new work, and nothing that brings money out.
contract ModelSubmissionPauseTest is MarketTest {
    uint40 internal projectId;

    function setUp() public override {
        super.setUp();
        projectId = openProject(disputable());
    }

    function test_pause__createProject_and_commit__refused_until_it_ends() public {
        ProjectParams memory params = defaultParams();
        pause();
        uint64 until = uint64(block.timestamp + 7 days);
        vm.expectRevert(abi.encodeWithSelector(IAdministration.PausedUntil.selector, until));
        vm.prank(owner);
        market.createProject{value: POOL + BUDGET}(params);
        vm.expectRevert(abi.encodeWithSelector(IAdministration.PausedUntil.selector, until));
        commit(projectId, alice, BETTER);

        vm.warp(until);
        createProject(params);
        commit(projectId, alice, BETTER);
    }

    /// @dev The centre refuses to open tasks during a pause. Revealing still counts, and nothing is lost.
    function test_pause__reveal__accepted_and_opened_after_the_pause() public {
        uint32 index = commit(projectId, alice, BETTER);
        pause();
        reveal(projectId, index, alice, BETTER);
        assertStatus(projectId, index, SubmissionStatus.REVEALED);
        assertFree(projectId, POOL, BUDGET - FEE);
        assertEq(market.advance(projectId, 9), 0);
        assertEq(market.getProject(projectId).evaluated, 0);
        assertSolvent();

        vm.prank(guardian);
        administration.unpause();
        assertEq(market.advance(projectId, 9), 1);
        assertStatus(projectId, index, SubmissionStatus.EVALUATING);
        assertEq(center.requestAt(1).k, 0);
    }

    /// @dev A hidden head still makes way after its window: its contributor could reveal.
    function test_pause__advance__unrevealed_head_makes_way() public {
        commit(projectId, alice, BETTER);
        pause();
        skipBlocks(REVEAL_BLOCKS + 1);
        assertEq(market.advance(projectId, 9), 1);
        assertEq(creditOf(treasury), BOND);
    }

    function test_pause__settle_and_money__go_on() public {
        uint32 index = submit(projectId, alice, BETTER);
        pause();
        settleImproved(projectId);
        disputeBy(stranger, projectId, index);
        center.resolve(projectId, index, true);
        payAttester(attester, projectId, true, TOTAL);
        vm.prank(stranger);
        market.topUp{value: 3}(projectId, 1, 2);
        vm.prank(owner);
        market.setMetadata(projectId, "bafynew");
        closeByOwner(projectId);
        vm.prank(owner);
        market.withdrawEscrow(projectId);
        vm.prank(timelock);
        market.setToken(address(token), 9);

        assertStatus(projectId, ProjectStatus.CLOSED);
        vm.prank(owner);
        assertEq(market.withdraw(COIN, owner), POOL + BUDGET - 2 * FEE + 3);
        assertEq(market.withdrawFor(alice, COIN), BOND);
        assertEq(market.withdrawFor(stranger, COIN), DISPUTE_BOND);
        assertEq(market.withdrawFor(attester, COIN), ATTESTERS_FEE);
        assertEq(market.minFeeOf(address(token)), 9);
        assertSolvent();
    }

    function test_pause__release_and_expiry__go_on() public {
        uint32 index = submit(projectId, alice, BETTER);
        settleImproved(projectId);
        uint32 running = submit(projectId, bob, "bafybob");
        pause();
        skipBlocks(DISPUTE_BLOCKS);
        market.release(projectId, index);
        assertEq(creditOf(alice), BOND + MAX_REWARD);
        expireHead(projectId);
        assertStatus(projectId, running, SubmissionStatus.REVEALED);
        assertSolvent();
    }
}
