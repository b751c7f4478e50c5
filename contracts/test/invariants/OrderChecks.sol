// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    Operator,
    Outcome,
    Project,
    SealedSet,
    Submission,
    SubmissionStatus,
    Task,
    TaskStatus
} from "../../src/types/Types.sol";
import {MoneyChecks} from "./MoneyChecks.sol";

/// @dev The invariants about tasks, champions, keys and queues.
abstract contract OrderChecks is MoneyChecks {
    /// @dev Invariant 2: one end of each task, and one outcome of each submission.
    function checkEnds() public view {
        requireUnbroken(2);
        for (uint256 i = 0; i < works.length; ++i) {
            Work storage work = works[i];
            require(work.approvals + work.expiries <= 1, "2: a task with two ends");
            TaskStatus expected = TaskStatus.OPEN;
            if (work.approvals != 0) expected = TaskStatus.SETTLED;
            if (work.expiries != 0) expected = TaskStatus.EXPIRED;
            require(taskOf(work.taskId).status == expected, "2: the status of a task");
        }
        for (uint256 id = 1; id <= projectTotal(); ++id) {
            for (uint32 index = 0; index < books[id].count; ++index) {
                require(submissionAt(id, index).outcome == finals[id][index], "2: the outcome of a submission");
            }
        }
    }

    /// @dev Invariant 3: the champion is what certificates and rulings made it.
    function checkChampions() public view {
        requireUnbroken(3);
        for (uint256 id = 1; id <= projectTotal(); ++id) {
            Book storage book = books[id];
            Project memory project = submissions.getProject(id);
            require(project.championIndex == book.champion, "3: the champion");
            require(project.championScore == book.championScore, "3: the champion's score");
            require(project.rewardsPaid == book.rewardsPaid, "3: the sum of rewards");
            bool isBaseline = book.champion == 0;
            require(isBaseline || finals[id][book.champion] == Outcome.IMPROVED, "3: a champion that lost");
        }
        for (uint256 i = 0; i < works.length; ++i) {
            require(taskOf(works[i].taskId).setVersion == works[i].version, "3: a task that changed its set");
        }
    }

    /// @dev Invariant 4: of votes that nobody signs twice, no evaluation gets both certificates.
    function checkVotes() public view {
        requireUnbroken(4);
    }

    /// @dev Invariant 6: a key and a signing address are one operator's, for ever.
    function checkKeys() public view {
        requireUnbroken(6);
        require(governance.latestVersion() == latest, "6: the latest set");
        for (uint256 i = 0; i < SEATS; ++i) {
            Seat storage seat = seats[i];
            if (seat.registrations == 0) continue;
            require(seat.registrations == 1, "6: a key that registered twice");
            address operator = signerOf[i];
            require(governance.operatorOf(signerOf[seat.key]) == operator, "6: the operator of a signing address");
            Operator memory found = governance.getOperator(operator);
            bool isGone = found.signingKey == address(0);
            require(isGone || found.signingKey == signerOf[seat.key], "6: the signing address of an operator");
            require(found.owner == seat.owner, "6: the owner of an operator");
            require(found.rewardsReceiver == seat.receiver, "6: the receiver of an operator");
        }
    }

    /// @dev Invariant 9: submissions become final in the order of their commits, and only the head is evaluated.
    function checkQueues() public view {
        requireUnbroken(9);
        for (uint256 id = 1; id <= projectTotal(); ++id) {
            Book storage book = books[id];
            require(submissions.getProject(id).evaluated == book.evaluated, "9: the number of evaluations");
            for (uint32 index = 0; index < book.count; ++index) {
                SubmissionStatus status = submissionAt(id, index).status;
                require((status == SubmissionStatus.FINAL) == (index < book.head), "9: final out of order");
                bool isHead = index == book.head;
                require(isHead || status != SubmissionStatus.EVALUATING, "9: evaluated out of order");
            }
        }
    }

    function checkAll() public view {
        checkMoney();
        checkCredits(0, accounts.length);
        checkEnds();
        checkChampions();
        checkVotes();
        checkExits();
        checkKeys();
        checkStakes();
        checkWithdrawals();
        checkQueues();
        checkFees();
    }
}
