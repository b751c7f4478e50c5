// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Outcome, Project, ProjectStatus, RewardStatus, SubmissionStatus} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "./FakeAttestationCenter.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @dev The market's invariants over what the handler did, and the way out at the end.
contract MarketChecks is MarketHandler {
    function checkSolvency() public view {
        assertSolvent();
    }

    /// @dev Invariants 2 and 9: exactly the submissions before the head are final, with the outcome that they had when
    ///      they became it; only the head is evaluated.
    function checkOrder() external view {
        for (uint40 id = 1; id <= market.projectCount(); ++id) {
            Project memory project = market.getProject(id);
            for (uint32 i = 0; i < project.submissionCount; ++i) {
                SubmissionStatus status = statusOf(id, i);
                bool isFinal = status == SubmissionStatus.FINAL;
                assertTrue(isFinal == (i < project.head), "final out of order");
                assertEq(uint256(market.getSubmission(id, i).outcome), uint256(finals[id][i]));
                if (i > project.head) assertTrue(status != SubmissionStatus.EVALUATING, "evaluated out of order");
            }
        }
    }

    /// @dev The champion is the baseline or an IMPROVED submission: the last one, or what a ruling restored.
    function checkChampion() external view {
        for (uint40 id = 1; id <= market.projectCount(); ++id) {
            uint32 champion = market.getProject(id).championIndex;
            assertEq(champion, champions[id]);
            if (champion != 0) assertFinal(id, champion, Outcome.IMPROVED);
        }
    }

    /// @dev Every task of a project's challengers has its own k, counted from 0 without a gap.
    function checkK() external view {
        uint32[] memory next = new uint32[](market.projectCount() + 1);
        for (uint256 i = 0; i < center.requestCount(); ++i) {
            uint256 id = center.requestAt(i).projectId;
            if (center.requestAt(i).submissionIndex == 0) continue;
            assertEq(center.requestAt(i).k, next[id]++);
        }
        for (uint256 id = 1; id <= market.projectCount(); ++id) {
            assertEq(market.getProject(id).evaluated, next[id]);
        }
    }

    /// @dev Invariant 10: performer, aggregator and attesters together never get more than the task's fee.
    function checkFees() external view {
        for (uint256 i = 0; i < settlements.length; ++i) {
            assertLe(settlements[i].paid, market.getProject(settlements[i].projectId).fee);
        }
    }

    // ---- the end

    /// @dev Invariant 5: no operator, owner or resolver acts any more, and the guardian pauses if it can. Time, expiries
    ///      and calls that a stranger makes end all submissions and turn all money into credits.
    function drain() external {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        if (_canPause()) pause();

        for (uint40 id = 1; id <= market.projectCount(); ++id) {
            uint32 head = market.getProject(id).head;
            if (_isEvaluating(id)) expireHead(id);
            _noteFinals(id, head);
        }
        skipBlocks(1_000_000);
        for (uint40 id = 1; id <= market.projectCount(); ++id) {
            _drainQueue(id);
            _releaseAll(id);
            if (_canClose(market.getProject(id))) _closeAsStranger(id);
        }
        skipBlocks(market.ESCROW_GRACE());
        vm.startPrank(stranger);
        for (uint40 id = 1; id <= market.projectCount(); ++id) {
            if (_hasEscrow(market.getProject(id))) market.withdrawEscrow(id);
        }
        vm.stopPrank();
        for (uint256 i = 0; i < settlements.length; ++i) {
            uint96 left = settlements[i].signed - settlements[i].claimed;
            if (left > 0) _claim(i, left);
        }
    }

    /// @dev Each revealed head waits for its own timeout.
    function _drainQueue(uint40 id) private {
        uint32 head = market.getProject(id).head;
        for (uint256 i = 0; i <= MAX_PENDING; ++i) {
            market.advance(id, MAX_PENDING);
            skipBlocks(OPEN_TIMEOUT + 1);
        }
        _noteFinals(id, head);
    }

    function _releaseAll(uint40 id) private {
        uint32 count = market.getProject(id).submissionCount;
        for (uint32 i = 0; i < count; ++i) {
            if (market.withheldReward(id, i).status == RewardStatus.NONE) continue;
            vm.prank(stranger);
            market.release(id, i);
        }
    }

    function _closeAsStranger(uint40 id) private {
        vm.prank(stranger);
        market.closeProject(id);
    }

    /// @dev All money is in credits, but for less than one unit for each claim, and everyone can be paid.
    function checkDrained() external {
        for (uint40 id = 1; id <= market.projectCount(); ++id) {
            Project memory project = market.getProject(id);
            assertEq(project.head, project.submissionCount);
            bool isOver = project.status == ProjectStatus.CLOSED || project.status == ProjectStatus.CANCELLED;
            assertTrue(isOver, "a project that stays open");
        }
        address[2] memory monies = [COIN, address(token)];
        for (uint256 i = 0; i < monies.length; ++i) {
            address money = monies[i];
            assertEq(escrowedIn(money), 0);
            assertEq(market.escrowOf(money), creditedIn(money) + center.unclaimedIn(money));
            for (uint256 j = 0; j < accounts.length; ++j) {
                if (market.creditOf(accounts[j], money) > 0) market.withdrawFor(accounts[j], money);
            }
        }
        uint256 dust = address(market).balance + token.balanceOf(address(market));
        assertLe(dust, claimCount);
        checkSolvency();
    }
}
