// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    Operator,
    OperatorStatus,
    Project,
    ProjectStatus,
    RewardStatus,
    WithheldReward
} from "../../src/types/Types.sol";
import {RoleActions} from "./RoleActions.sol";

/// @dev The invariants about money and stake. Each compares what the contracts say with the books.
abstract contract MoneyChecks is RoleActions {
    uint256 private constant AT_ONCE = 4;

    /// @dev Invariant 1: all money is somebody's, in the market and in AvsGovernance. Reading all credits after each call
    ///      would take most of the time: each check reads those of some accounts, in turn.
    function checkMoney() public view {
        requireUnbroken(1);
        checkCredits(callCount * AT_ONCE, AT_ONCE);
        for (uint256 i = 0; i < monies.length; ++i) {
            checkMarket(monies[i]);
        }
        uint256 stakes = 0;
        for (uint256 i = 0; i < SEATS; ++i) {
            stakes += seats[i].stake;
        }
        uint256 owed = 0;
        for (uint256 i = 0; i < accounts.length; ++i) {
            owed += stakeCredits[accounts[i]];
        }
        require(governance.pot() == pot, "1: the pot");
        require(stakes + owed + pot == address(governance).balance, "1: stake that is nobody's");
        require(stakeIn - stakeOut == address(governance).balance, "1: stake in and out");
        require(address(center).balance + address(avsLogic).balance == 0, "1: money in a contract that holds none");
    }

    function checkCredits(uint256 first, uint256 count) internal view {
        for (uint256 i = 0; i < count; ++i) {
            address account = accounts[(first + i) % accounts.length];
            require(governance.creditOf(account) == stakeCredits[account], "1: a credit of stake");
            for (uint256 j = 0; j < monies.length; ++j) {
                require(submissions.creditOf(account, monies[j]) == credits[account][monies[j]], "1: a credit");
            }
        }
    }

    function checkMarket(address money) private view {
        uint256 balance = balanceIn(money, address(submissions));
        uint256 sum = feesDue[money] + dust[money];
        for (uint256 id = 1; id <= projectTotal(); ++id) {
            if (books[id].token == money) sum += heldFor(id);
            if (money == COIN) sum += disputeBondsOf(id);
        }
        for (uint256 i = 0; i < accounts.length; ++i) {
            sum += credits[accounts[i]][money];
        }
        require(sum == balance, "1: money that is nobody's");
        require(submissions.escrowOf(money) == balance, "1: what the market owes");
        require(paidIn[money] - paidOut[money] == balance, "1: money in and out");
    }

    /// @dev Pool, budget, bonds and withheld rewards of a project.
    function heldFor(uint256 id) private view returns (uint256 sum) {
        Book storage book = books[id];
        Project memory project = submissions.getProject(id);
        bool isTaskOpen = isRunning(id);
        uint256 reserved = isTaskOpen && project.head != 0 ? book.maxReward : 0;
        require(project.poolFree + reserved == book.pool, "1: a pool");
        require(project.budgetFree + (isTaskOpen ? book.fee : 0) == book.budget, "1: a budget");
        uint256 pending = project.submissionCount - project.head;
        if (project.head == 0) --pending; // the baseline has no bond
        sum = book.pool + book.budget + pending * book.bond;
        for (uint32 index = 1; index < project.head; ++index) {
            WithheldReward memory withheld = submissions.withheldReward(id, index);
            Held storage held = helds[id][index];
            bool isSame = withheld.status == held.status && withheld.reward == held.reward;
            require(isSame, "1: a withheld reward");
            sum += withheld.reward;
        }
    }

    function disputeBondsOf(uint256 id) private view returns (uint256 sum) {
        for (uint32 index = 1; index < books[id].head; ++index) {
            if (helds[id][index].status == RewardStatus.DISPUTED) sum += DISPUTE_BOND;
        }
    }

    /// @dev Invariant 5, of one state: a refused call was one that had to be. `Drain.sol` has the way out.
    function checkExits() public view {
        requireUnbroken(5);
        for (uint256 id = 1; id <= projectTotal(); ++id) {
            Project memory project = submissions.getProject(id);
            require(project.status == books[id].status, "5: the status of a project");
            require(project.openUntil == books[id].openUntil, "5: the end of a project");
            bool isOver = project.status == ProjectStatus.CANCELLED;
            require(!isOver || project.poolFree + project.budgetFree == 0, "5: a cancelled project that keeps money");
        }
    }

    /// @dev Invariant 7: an operator's stake is what was paid in, less what was slashed.
    function checkStakes() public view {
        requireUnbroken(7);
        for (uint256 i = 0; i < SEATS; ++i) {
            Seat storage seat = seats[i];
            Operator memory operator = governance.getOperator(signerOf[i]);
            require(operator.status == seat.status, "7: the status of an operator");
            require(operator.stake == seat.stake, "7: the stake of an operator");
            require(seat.slashed <= seat.paidIn, "7: slashed more than the stake");
            bool isHere = seat.status != OperatorStatus.NONE && seat.status != OperatorStatus.EXITED;
            require(!isHere || seat.stake + seat.slashed == seat.paidIn, "7: stake that came or went");
        }
    }

    /// @dev Invariant 8: only what the docs name was refused during a pause.
    function checkWithdrawals() public view {
        requireUnbroken(8);
        require(administration.pausedUntil() <= clock + 7 days, "8: a pause of more than seven days");
    }

    /// @dev Invariant 10: performer, aggregator and attesters together never get more than the fee.
    function checkFees() public view {
        requireUnbroken(10);
        for (uint256 number = 0; number < dues.length; ++number) {
            Due storage due = dues[number];
            require(due.promised <= due.limit, "10: more promised than the fee");
            require(due.paid <= due.promised, "10: more claimed than promised");
            require(due.isRejection || due.limit <= books[due.projectId].fee, "10: more than the fee");
        }
        require(center.settlementCount() == dues.length, "10: the number of settlements");
    }

    function requireUnbroken(uint256 number) internal view {
        if (bytes(broken[number]).length == 0) return;
        revert(string.concat(vm.toString(number), ": ", broken[number]));
    }
}
