// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {RewardStatus, Task, TaskStatus} from "../../src/types/Types.sol";
import {MoodyToken} from "../support/FakeTokens.sol";
import {CertificateActions} from "./CertificateActions.sol";

/// @dev What keepers and claimers do, with no role of their own. Whether a call must succeed is known from the books:
///      no pause, no owner and no operator can refuse it (invariants 5 and 8).
abstract contract KeeperActions is CertificateActions {
    function actAdvance(uint256 seed) external counted("advance") {
        uint256 count = projectTotal();
        uint256 start = draw(seed, 1, 0, count - 1);
        for (uint256 i = 0; i < count; ++i) {
            uint256 id = 1 + (start + i) % count;
            if (books[id].head < books[id].count && !isRunning(id)) return advance(id, draw(seed, 2, 0, 5));
        }
        advance(anyProject(seed), 1); // nothing to do
    }

    function actFixSeed(uint256 seed) external counted("fix seed") {
        (bytes32 taskId, bool isFound) = anyRunning(seed);
        if (!isFound || vm.getBlockNumber() <= taskOf(taskId).seedBlock || !hasSeed(taskId)) return;
        bytes memory header = headerIfNeeded(taskId);
        (bool succeeded,) =
            attempt(stranger, address(center), 0, abi.encodeCall(IAttestationCenter.fixSeed, (taskId, header)));
        if (!succeeded) blame(8, "fixing a seed");
        mark("seed fixed");
    }

    /// @dev Of a running task, sometimes at its deadline, or of any task that is over (invariant 2).
    function actExpire(uint256 seed) external counted("expire") {
        if (works.length == 0) return;
        if (chance(seed, 1, 4)) return expire(draw(seed, 2, 0, works.length - 1));
        (bytes32 taskId, bool isFound) = anyRunning(seed);
        if (!isFound) return;
        if (taskOf(taskId).submissionIndex == 0 && !chance(seed, 3, 4)) return; // otherwise few projects would open
        waitUntil(deadlineOf(taskId));
        expire(workNumbers[taskId] - 1);
    }

    function actRelease(uint256 seed) external counted("release") {
        (uint256 id, uint32 index) = anyHeld(seed, chance(seed, 1, 2) ? RewardStatus.WITHHELD : RewardStatus.DISPUTED);
        if (id == 0) return;
        if (chance(seed, 2, 3)) waitUntil(helds[id][index].until);
        release(id, index);
    }

    /// @dev Mostly one settlement, so that invariant 10 sees each task's fee alone.
    function actClaim(uint256 seed) external counted("claim") {
        uint256 index = draw(seed, 1, 0, SEATS - 1);
        claim(index, chance(seed, 2, 4) ? dues.length : seats[index].cursor + 1);
    }

    function actWithdraw(uint256 seed) external counted("withdraw") {
        uint256 start = draw(seed, 1, 0, accounts.length - 1);
        address money = monies[draw(seed, 2, 0, 1)];
        for (uint256 i = 0; i < accounts.length; ++i) {
            address account = accounts[(start + i) % accounts.length];
            if (credits[account][money] == 0) continue;
            return chance(seed, 3, 2) ? withdraw(account, money, elsewhere) : withdrawFor(account, money);
        }
    }

    function actWithdrawStake(uint256 seed) external counted("withdraw stake") {
        uint256 start = draw(seed, 1, 0, accounts.length - 1);
        for (uint256 i = 0; i < accounts.length; ++i) {
            address account = accounts[(start + i) % accounts.length];
            if (stakeCredits[account] != 0) return withdrawStake(account);
        }
    }

    function actWait(uint256 seed) external counted("wait") {
        wait(draw(seed, 1, 1, chance(seed, 2, 12) ? 2 * uint256(OPEN_TIMEOUT) : 12));
    }

    // ---- steps

    function advance(uint256 id, uint256 steps) internal {
        (bool succeeded,) =
            attempt(stranger, address(submissions), 0, abi.encodeCall(IModelSubmission.advance, (id, steps)));
        if (!succeeded) blame(5, "advancing a project");
        sync(id);
    }

    function expire(uint256 number) internal {
        Work storage work = works[number];
        Task memory task = taskOf(work.taskId);
        bool isRipe = work.approvals + work.expiries == 0 && vm.getBlockNumber() >= deadlineOf(work.taskId);
        (bool succeeded,) =
            attempt(stranger, address(center), 0, abi.encodeCall(IAttestationCenter.expireTask, (work.taskId)));
        if (succeeded != isRipe) blame(task.status == TaskStatus.OPEN ? 5 : 2, "expiring a task");
        if (!succeeded) return;
        ++work.expiries;
        mark("task expired");
        sync(work.projectId);
    }

    function release(uint256 id, uint32 index) internal {
        bool isRipe = helds[id][index].status != RewardStatus.NONE && vm.getBlockNumber() >= helds[id][index].until;
        (bool succeeded,) =
            attempt(stranger, address(submissions), 0, abi.encodeCall(IModelSubmission.release, (id, index)));
        if (succeeded != isRipe) blame(8, "releasing a reward");
        if (!succeeded) return;
        if (helds[id][index].status == RewardStatus.DISPUTED) mark("dispute without a ruling");
        noteReward(id, index);
    }

    function claim(uint256 index, uint256 upTo) internal {
        uint256 from = seats[index].cursor;
        uint256 end = upTo < dues.length ? upTo : dues.length;
        bool isRipe = canClaim(index, upTo);
        address receiver = seats[index].receiver;
        address money = isRipe ? dues[from].token : COIN;
        uint256 before = earnedBy(receiver, money);
        // forge-lint: disable-next-line(unsafe-typecast) A number of settlements.
        bytes memory call = abi.encodeCall(IAttestationCenter.claim, (signerOf[index], uint64(upTo)));
        (bool succeeded,) = attempt(stranger, address(center), 0, call);
        if (succeeded != isRipe) blame(8, "claiming fees");
        if (!succeeded) return;
        noteClaim(index, end);
        if (end == from + 1) noteReceived(from, index, earnedBy(receiver, money) - before);
    }

    /// @dev All credits of an account in one money.
    function earnedBy(address account, address money) private view returns (uint256) {
        return submissions.creditOf(account, money) + (money == COIN ? governance.creditOf(account) : 0);
    }

    /// @dev What one claim paid of one settlement, as the contracts say.
    function noteReceived(uint256 number, uint256 index, uint256 amount) private {
        Due storage due = dues[number];
        due.paid = due.paid + amount - shares[number][index];
    }

    function withdrawFor(address account, address money) internal {
        uint256 before = balanceIn(money, address(submissions));
        bool isRefused = money == COIN
            ? account == address(refusing) || account == address(burning)
            : token.mood() == MoodyToken.Mood.REFUSING;
        bytes memory call = abi.encodeCall(IModelSubmission.withdrawFor, (account, money));
        (bool succeeded,) = attempt(stranger, address(submissions), 0, call);
        if (succeeded == isRefused) blame(8, "paying a credit");
        if (!succeeded) return mark("payment refused by its receiver");
        notePaid(account, money, before - balanceIn(money, address(submissions)));
    }

    function withdraw(address account, address money, address to) internal {
        uint256 before = balanceIn(money, address(submissions));
        bool isRefused = money != COIN && token.mood() == MoodyToken.Mood.REFUSING;
        (bool succeeded,) =
            attempt(account, address(submissions), 0, abi.encodeCall(IModelSubmission.withdraw, (money, to)));
        if (succeeded == isRefused) blame(8, "withdrawing a credit");
        if (!succeeded) return;
        notePaid(account, money, before - balanceIn(money, address(submissions)));
    }

    function notePaid(address account, address money, uint256 amount) private {
        if (amount != credits[account][money]) blame(1, "paid another amount than the credit");
        credits[account][money] = 0;
        paidOut[money] += amount;
        mark(administration.isPaused() ? "withdrawn during a pause" : "withdrawn");
    }

    function withdrawStake(address account) internal {
        uint256 before = elsewhere.balance;
        (bool succeeded,) =
            attempt(account, address(governance), 0, abi.encodeCall(IAvsGovernance.withdraw, (elsewhere)));
        if (!succeeded) return blame(8, "withdrawing stake");
        if (elsewhere.balance - before != stakeCredits[account]) {
            blame(1, "paid another amount than the stake's credit");
        }
        stakeOut += stakeCredits[account];
        stakeCredits[account] = 0;
        mark(administration.isPaused() ? "stake withdrawn during a pause" : "stake withdrawn");
    }
}
