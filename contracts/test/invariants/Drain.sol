// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {OperatorStatus, ProjectStatus, RewardStatus} from "../../src/types/Types.sol";
import {MoodyToken} from "../support/FakeTokens.sol";
import {OrderChecks} from "./OrderChecks.sol";

/// @dev The way out, from any state. No operator attests any more, no project owner and no resolver acts, and the
///      guardian pauses whenever it can. Time and calls of a stranger bring all money to credits. After half of the
///      histories the operators are gone first, so that no task can open; otherwise tasks still open, and expire.
abstract contract Drain is OrderChecks {
    uint256 private constant STEPS = 100; // more than any queue needs
    uint256 private constant AT_ONCE = 16;

    function drain() external {
        token.setMood(MoodyToken.Mood.HONEST, 0);
        if (vm.getBlockNumber() % 2 == 0) drainStakes();
        for (uint256 id = 1; id <= projectTotal(); ++id) {
            emptyQueue(id);
        }
        for (uint256 id = 1; id <= projectTotal(); ++id) {
            releaseAll(id);
            bool isOpen = books[id].status == ProjectStatus.OPEN || books[id].status == ProjectStatus.SUSPENDED;
            if (!isOpen) continue;
            waitUntil(books[id].openUntil);
            tryClose(id, stranger);
        }
        for (uint256 id = 1; id <= projectTotal(); ++id) {
            if (books[id].status != ProjectStatus.CLOSED || books[id].pool + books[id].budget == 0) continue;
            waitUntil(books[id].openUntil + submissions.ESCROW_GRACE());
            tryWithdrawEscrow(id, stranger);
        }
        for (uint256 index = 0; index < SEATS; ++index) {
            if (canClaim(index, dues.length)) claim(index, dues.length);
        }
        drainStakes();
        payAll();
        checkDrained();
    }

    function emptyQueue(uint256 id) private {
        for (uint256 i = 0; books[id].head < books[id].count; ++i) {
            if (i == STEPS) return blame(5, "a queue that does not empty");
            pauseAgain();
            advance(id, AT_ONCE);
            if (!isRunning(id)) {
                wait(OPEN_TIMEOUT + 1);
                continue;
            }
            bytes32 taskId = taskIdAt(id, books[id].head, submissionAt(id, books[id].head).opening - 1);
            waitUntil(deadlineOf(taskId));
            expire(workNumbers[taskId] - 1);
        }
    }

    function releaseAll(uint256 id) private {
        for (uint32 index = 1; index < books[id].head; ++index) {
            if (helds[id][index].status == RewardStatus.NONE) continue;
            waitUntil(helds[id][index].until);
            release(id, index);
        }
    }

    /// @dev The owners ask to leave. The rest is anybody's.
    function drainStakes() private {
        for (uint256 index = 0; index < SEATS; ++index) {
            if (isIn(index)) leaveSet(index);
        }
        if (isSealDue) sealSet();
        wait(UNBONDING_BLOCKS);
        for (uint256 index = 0; index < SEATS; ++index) {
            if (isLeaving(index)) releaseSeat(index);
        }
    }

    /// @dev Who cannot be paid names another account itself.
    function payAll() private {
        pauseAgain();
        for (uint256 i = 0; i < accounts.length; ++i) {
            address account = accounts[i];
            if (stakeCredits[account] != 0) withdrawStake(account);
            for (uint256 j = 0; j < monies.length; ++j) {
                if (credits[account][monies[j]] != 0) withdrawFor(account, monies[j]);
                if (credits[account][monies[j]] != 0) withdraw(account, monies[j], elsewhere);
            }
        }
    }

    function pauseAgain() private {
        if (canPause()) pause();
    }

    /// @dev What remains is what the divisions among signers left: less than one unit for each signer.
    function checkDrained() private view {
        checkAll();
        for (uint256 id = 1; id <= projectTotal(); ++id) {
            bool isOver = books[id].status == ProjectStatus.CLOSED || books[id].status == ProjectStatus.CANCELLED;
            require(isOver, "5: a project that stays open");
        }
        uint256 limit = dues.length * SEATS;
        for (uint256 j = 0; j < monies.length; ++j) {
            require(feesDue[monies[j]] == 0, "5: a fee that nobody can claim");
            require(balanceIn(monies[j], address(submissions)) == dust[monies[j]], "5: money that stays");
            require(dust[monies[j]] < limit + 1, "5: more than the remainders of divisions");
        }
        for (uint256 index = 0; index < SEATS; ++index) {
            OperatorStatus status = seats[index].status;
            require(status == OperatorStatus.NONE || status == OperatorStatus.EXITED, "5: an operator that stays");
        }
        require(address(governance).balance == potDust && pot == potDust, "5: stake that stays");
        require(potDust < limit + 1, "5: more than the remainders of divisions");
    }
}
