// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {ProjectParams, ProjectStatus, RewardRule, Submission, SubmissionStatus} from "../../src/types/Types.sol";
import {MoodyToken} from "../support/FakeTokens.sol";
import {FeeBooks} from "./FeeBooks.sol";

/// @dev What owners of projects do.
abstract contract OwnerActions is FeeBooks {
    function actCreate(uint256 seed) external counted("create") {
        if (projectTotal() == MAX_PROJECTS) return;
        create(seed, randomParams(seed));
    }

    function actTopUp(uint256 seed) external counted("top up") {
        uint256 id = anyProject(seed);
        Book storage book = books[id];
        uint96 pool = uint96(draw(seed, 1, 0, 20 ether));
        uint96 budget = uint96(draw(seed, 2, 0, 1 ether));
        uint256 value = fund(stranger, book.token, uint256(pool) + budget);
        bytes memory call = abi.encodeCall(IModelSubmission.topUp, (id, pool, budget));
        (bool succeeded,) = attempt(stranger, address(submissions), value, call);
        bool isLive = book.status == ProjectStatus.BASELINE || book.status == ProjectStatus.OPEN;
        bool isDue = isLive && (isExact(book.token) || uint256(pool) + budget == 0);
        if (succeeded && !isDue) blame(1, "a top-up that was not paid");
        if (!succeeded && isDue) blame(5, "a top-up was refused");
        if (!succeeded) return;
        book.pool += pool;
        book.budget += budget;
        paidIn[book.token] += uint256(pool) + budget;
        mark("topped up");
    }

    function actClose(uint256 seed) external counted("close") {
        if (!chance(seed, 1, 8)) return;
        uint256 id = anyProject(seed);
        tryClose(id, chance(seed, 2, 3) ? stranger : books[id].owner);
    }

    function actWithdrawEscrow(uint256 seed) external counted("withdraw escrow") {
        uint256 id = draw(seed, 1, 1, projectTotal());
        tryWithdrawEscrow(id, chance(seed, 2, 3) ? stranger : books[id].owner);
    }

    function actMetadata(uint256 seed) external counted("metadata") {
        uint256 id = anyProject(seed);
        attempt(books[id].owner, address(submissions), 0, abi.encodeCall(IModelSubmission.setMetadata, (id, BEST_CID)));
    }

    // ---- steps

    function create(uint256 seed, ProjectParams memory params) internal {
        address owner = [projectOwner, otherOwner, address(refusing)][draw(seed, 90, 0, 2)];
        uint256 amount = uint256(params.pool) + params.budget;
        uint256 value = fund(owner, params.token, amount);
        bytes memory call = abi.encodeCall(IModelSubmission.createProject, (params));
        (bool succeeded,) = attempt(owner, address(submissions), value, call);
        if (!succeeded) {
            uint96 minFee = submissions.minFeeOf(params.token);
            bool mayFail = administration.isPaused() || minFee == 0 || minFee > params.fee || !isExact(params.token);
            if (!mayFail) blame(5, "a project was refused");
            return mark("project refused");
        }
        if (!isExact(params.token)) blame(1, "a token that paid less than it said");
        open(owner, params);
        paidIn[params.token] += amount;
        sync(projectTotal());
        mark("project created");
    }

    function open(address owner, ProjectParams memory params) private {
        Book storage book = books[projectTotal()];
        book.token = params.token;
        book.owner = owner;
        book.status = ProjectStatus.BASELINE;
        book.isLinear = params.rewardRule == RewardRule.LINEAR;
        book.ownerPaysMisses = params.ownerPaysMisses;
        book.pool = params.pool;
        book.budget = params.budget;
        book.bond = params.bond;
        book.fee = params.fee;
        book.maxReward = params.maxReward;
        book.rate = params.rewardRate;
        book.minGain = params.minGain;
        book.worseTolerance = params.worseTolerance;
        book.quorumBps = params.quorumBps;
        book.disputeBlocks = params.disputeBlocks;
        book.revealBlocks = params.revealBlocks;
        book.openUntil = params.openUntil;
        book.count = 1;
    }

    /// @dev Everyone knows from the books whether it must succeed. Invariants 5 and 8: no pause and no one can refuse it.
    function tryClose(uint256 id, address sender) internal {
        Book storage book = books[id];
        bool isSuspended = book.status == ProjectStatus.SUSPENDED;
        bool isPermitted = sender == book.owner || vm.getBlockNumber() >= book.openUntil;
        bool isRipe = book.status == ProjectStatus.OPEN || (isSuspended && book.head == book.count);
        bytes memory call = abi.encodeCall(IModelSubmission.closeProject, (id));
        (bool succeeded,) = attempt(sender, address(submissions), 0, call);
        if (succeeded != (isPermitted && isRipe)) blame(5, "closing a project");
        if (!succeeded) return;
        book.status = ProjectStatus.CLOSED;
        if (vm.getBlockNumber() < book.openUntil) book.openUntil = vm.getBlockNumber();
        mark(isSuspended ? "suspended project closed" : "project closed");
    }

    function tryWithdrawEscrow(uint256 id, address sender) internal {
        Book storage book = books[id];
        bool isPermitted = sender == book.owner || vm.getBlockNumber() >= book.openUntil + submissions.ESCROW_GRACE();
        bool isRipe = book.status == ProjectStatus.CLOSED && book.head == book.count && book.pool + book.budget != 0;
        bytes memory call = abi.encodeCall(IModelSubmission.withdrawEscrow, (id));
        (bool succeeded,) = attempt(sender, address(submissions), 0, call);
        if (succeeded != (isPermitted && isRipe)) blame(8, "emptying a closed project");
        if (!succeeded) return;
        noteEscrow(id);
        mark("escrow withdrawn");
    }

    // ---- choices

    /// @dev A project that is not over, if there is one.
    function anyProject(uint256 seed) internal view returns (uint256 id) {
        uint256 count = projectTotal();
        uint256 start = draw(seed, 100, 0, count - 1);
        for (uint256 i = 0; i < count; ++i) {
            id = 1 + (start + i) % count;
            bool isOver = books[id].status == ProjectStatus.CLOSED || books[id].status == ProjectStatus.CANCELLED;
            if (!isOver || books[id].head < books[id].count) return id;
        }
    }

    /// @dev Whether a transfer of the money moves what it says.
    function isExact(address money) internal view returns (bool) {
        if (money == COIN) return true;
        MoodyToken.Mood mood = token.mood();
        return mood == MoodyToken.Mood.HONEST || mood == MoodyToken.Mood.REENTERING;
    }

    function isRunning(uint256 id) internal view returns (bool) {
        if (books[id].head == books[id].count) return false;
        Submission memory submission = submissionAt(id, books[id].head);
        return submission.status == SubmissionStatus.EVALUATING;
    }

    function randomParams(uint256 seed) internal view returns (ProjectParams memory params) {
        params = defaultProject();
        params.token = monies[draw(seed, 1, 0, 1)];
        params.fee = uint96(draw(seed, 2, 0.01 ether, 0.5 ether));
        params.bond = uint96(draw(seed, 3, 2 * params.fee, 2 ether));
        params.budget = uint96(draw(seed, 4, 2 * params.fee, 20 * params.fee));
        params.maxReward = uint96(draw(seed, 5, 1, 3 ether));
        params.pool = uint96(draw(seed, 6, params.maxReward, 8 * uint256(params.maxReward)));
        params.rewardRule = chance(seed, 7, 2) ? RewardRule.FIXED : RewardRule.LINEAR;
        params.rewardRate = uint96(draw(seed, 8, 1, 1e14));
        params.ownerPaysMisses = chance(seed, 9, 2);
        params.openUntil = uint40(vm.getBlockNumber() + draw(seed, 10, 1, 20_000));
        params.disputeBlocks = chance(seed, 11, 5) ? 0 : uint24(draw(seed, 12, 1, 600));
        params.quorumBps = uint16(draw(seed, 13, 6_600, 9_000));
        if (chance(seed, 14, 2)) params.quorumBps = QUORUM_BPS;
        params.attemptBlocks = uint16(draw(seed, 15, 10, 200));
        params.maxAttempts = uint8(draw(seed, 16, 1, 5));
        params.seedDelay = uint16(draw(seed, 17, 1, 20));
        params.revealBlocks = uint16(draw(seed, 18, 1, 60));
    }
}
