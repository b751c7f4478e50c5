// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    Code,
    Evaluation,
    Outcome,
    Project,
    ProjectStatus,
    RewardStatus,
    Submission,
    SubmissionStatus
} from "../../src/types/Types.sol";
import {StakeBooks} from "./StakeBooks.sol";

/// @dev What calls must have done to projects, submissions, rewards and bonds. One call can make several submissions
///      final; `sync` notes them in their order.
abstract contract MarketBooks is StakeBooks {
    /// The certificate that the running call has, if it is an approval.
    struct Approval {
        uint256 projectId;
        uint32 index;
        bytes32 taskId;
        uint256 unearned;
        Evaluation evaluation;
    }

    Approval internal approval;

    function credit(address account, address money, uint256 amount) internal {
        credits[account][money] += amount;
    }

    /// @dev Note what became of a project's submissions since the last call.
    function sync(uint256 id) internal {
        Book storage book = books[id];
        Project memory project = submissions.getProject(id);
        if (project.head < book.head) blame(2, "a final submission that is pending again");
        while (book.head < project.head) {
            uint32 index = book.head++;
            noteFinal(id, index);
        }
        if (book.head < book.count) noteOpening(id, book.head);
        delete approval;
    }

    function noteOpening(uint256 id, uint32 index) private {
        Submission memory submission = submissionAt(id, index);
        if (submission.status != SubmissionStatus.EVALUATING) return;
        bytes32 taskId = taskIdAt(id, index, submission.opening - 1);
        if (workNumbers[taskId] != 0) return;
        Book storage book = books[id];
        uint32 k = index == 0 ? 0 : book.evaluated++;
        if (submission.k != k) blame(9, "a task whose k was used before");
        uint32 version = center.getTask(taskId).setVersion;
        if (version != latest) blame(3, "a task of another set than the latest");
        works.push(Work(taskId, id, index, version, 0, 0, 0));
        workNumbers[taskId] = works.length;
        mark(submission.opening == 1 ? "opened" : "opened again");
    }

    function taskIdAt(uint256 id, uint32 index, uint8 opening) internal view returns (bytes32) {
        bytes32 typeHash = keccak256(
            "Task(uint256 chainId,address modelSubmission,uint256 projectId,uint32 submissionIndex,uint8 opening)"
        );
        return keccak256(abi.encode(typeHash, block.chainid, address(submissions), id, index, opening));
    }

    function noteFinal(uint256 id, uint32 index) private {
        Submission memory submission = submissionAt(id, index);
        Outcome outcome = submission.outcome;
        if (finals[id][index] != Outcome.NONE || outcome == Outcome.NONE) blame(2, "a submission that settled twice");
        finals[id][index] = outcome;
        mark(string.concat("outcome ", outcomeName(outcome)));
        Book storage book = books[id];
        bool isEvaluated = outcome >= Outcome.IMPROVED && outcome <= Outcome.EVALUATOR_FAILED;
        if (isEvaluated) {
            bool isCertified = approval.projectId == id && approval.index == index;
            if (!isCertified || outcome != expectedOutcome(id, index)) blame(3, "an outcome without its certificate");
            book.budget += approval.unearned; // what absent stake would have earned
        }
        if (index == 0) return noteBaseline(id, outcome, isEvaluated);
        if (outcome == Outcome.IMPROVED) notePromotion(id, index, submission.k);
        if (outcome == Outcome.EVALUATOR_FAILED) noteSuspension(id);
        noteBond(book, submission.contributor, outcome);
    }

    function outcomeName(Outcome outcome) private pure returns (string memory) {
        if (outcome == Outcome.IMPROVED) return "IMPROVED";
        if (outcome == Outcome.NOT_IMPROVED) return "NOT_IMPROVED";
        if (outcome == Outcome.WORSE) return "WORSE";
        if (outcome == Outcome.INVALID) return "INVALID";
        if (outcome == Outcome.UNAVAILABLE) return "UNAVAILABLE";
        if (outcome == Outcome.EVALUATOR_FAILED) return "EVALUATOR_FAILED";
        if (outcome == Outcome.EXPIRED) return "EXPIRED";
        return outcome == Outcome.CANCELLED ? "CANCELLED" : "UNREVEALED";
    }

    function noteBaseline(uint256 id, Outcome outcome, bool isEvaluated) private {
        Book storage book = books[id];
        if (isEvaluated) book.budget -= book.fee;
        if (outcome == Outcome.NOT_IMPROVED) {
            book.status = ProjectStatus.OPEN;
            book.baselineScore = approval.evaluation.challengerScore;
            book.championScore = book.baselineScore;
            return mark("project opened");
        }
        book.status = ProjectStatus.CANCELLED;
        mark("project cancelled");
        noteEscrow(id);
    }

    function noteEscrow(uint256 id) internal {
        Book storage book = books[id];
        credit(book.owner, book.token, book.pool + book.budget);
        book.pool = 0;
        book.budget = 0;
    }

    function noteSuspension(uint256 id) internal {
        if (books[id].status != ProjectStatus.SUSPENDED) mark("project suspended");
        books[id].status = ProjectStatus.SUSPENDED;
    }

    /// @dev The rows of the outcome table in `docs/protocol.md`.
    function noteBond(Book storage book, address account, Outcome outcome) private {
        bool isMiss = outcome == Outcome.NOT_IMPROVED;
        bool ownerPays =
            outcome == Outcome.IMPROVED || outcome == Outcome.EVALUATOR_FAILED || (isMiss && book.ownerPaysMisses);
        if (ownerPays) book.budget -= book.fee;
        if (ownerPays || outcome == Outcome.EXPIRED || outcome == Outcome.CANCELLED) {
            credit(account, book.token, book.bond);
        } else if (isMiss || outcome == Outcome.UNAVAILABLE) {
            credit(account, book.token, book.bond - book.fee);
        } else {
            credit(treasury, book.token, outcome == Outcome.UNREVEALED ? book.bond : book.bond - book.fee);
        }
    }

    function notePromotion(uint256 id, uint32 index, uint32 k) private {
        Book storage book = books[id];
        Held storage held = helds[id][index];
        held.reward = expectedReward(book);
        held.k = k;
        held.until = vm.getBlockNumber() + book.disputeBlocks;
        held.previousChampion = book.champion;
        held.previousScore = book.championScore;
        held.taskId = approval.taskId;
        held.status = RewardStatus.WITHHELD;
        book.pool -= held.reward;
        book.rewardsPaid += held.reward;
        book.champion = index;
        book.championScore = approval.evaluation.challengerScore;
        if (book.disputeBlocks == 0) noteReward(id, index);
    }

    /// @dev The reward, and the bond of a dispute that failed, become credits.
    function noteReward(uint256 id, uint32 index) internal {
        Held storage held = helds[id][index];
        address account = submissionAt(id, index).contributor;
        credit(account, books[id].token, held.reward);
        if (held.status == RewardStatus.DISPUTED) credit(account, COIN, DISPUTE_BOND);
        held.status = RewardStatus.NONE;
        held.reward = 0;
        mark("reward paid");
    }

    function noteOverturned(uint256 id, uint32 index) internal {
        Book storage book = books[id];
        Held storage held = helds[id][index];
        book.pool += held.reward;
        book.rewardsPaid -= held.reward;
        credit(held.disputer, COIN, DISPUTE_BOND);
        held.status = RewardStatus.NONE;
        held.reward = 0;
        mark("overturned");
        if (book.status == ProjectStatus.SUSPENDED || book.evaluated != held.k + 1) return noteSuspension(id);
        book.champion = held.previousChampion;
        book.championScore = held.previousScore;
        mark("champion restored");
    }

    // ---- what the evaluation of `approval` says

    function expectedOutcome(uint256 id, uint32 index) private view returns (Outcome) {
        Evaluation storage evaluation = approval.evaluation;
        if (index != 0 && books[id].status == ProjectStatus.SUSPENDED) return Outcome.EVALUATOR_FAILED;
        if (evaluation.code == Code.INVALID) return Outcome.INVALID;
        if (evaluation.code == Code.UNAVAILABLE) return Outcome.UNAVAILABLE;
        if (evaluation.code == Code.EVALUATOR_FAILED) return Outcome.EVALUATOR_FAILED;
        if (index == 0) return Outcome.NOT_IMPROVED;
        int256 lower = evaluation.gainLowerBound;
        if (lower >= books[id].minGain) return Outcome.IMPROVED;
        int256 upper = 2 * (int256(evaluation.challengerScore) - evaluation.championScore) - lower;
        return upper < -books[id].worseTolerance ? Outcome.WORSE : Outcome.NOT_IMPROVED;
    }

    function expectedReward(Book storage book) private view returns (uint256 reward) {
        if (!book.isLinear) return book.maxReward;
        // forge-lint: disable-next-line(unsafe-typecast) An improvement's bound is positive.
        reward = book.rate * uint256(int256(approval.evaluation.gainLowerBound));
        int256 gain = int256(approval.evaluation.challengerScore) - book.baselineScore;
        // forge-lint: disable-next-line(unsafe-typecast) Positive here.
        uint256 whole = gain > 0 ? book.rate * uint256(gain) : 0;
        uint256 left = whole > book.rewardsPaid ? whole - book.rewardsPaid : 0;
        if (reward > left) reward = left;
        if (reward > book.maxReward) reward = book.maxReward;
    }
}
