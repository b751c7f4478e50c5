// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {ProjectStatus, RewardStatus, Submission, SubmissionStatus} from "../../src/types/Types.sol";
import {OwnerActions} from "./OwnerActions.sol";

/// @dev What contributors and disputers do. One contributor refuses the coin, one burns the gas
///      of a payment, one calls back when it is paid.
abstract contract ContributorActions is OwnerActions {
    uint256 private constant FIRST_CONTRIBUTOR = 3; // of five in `accounts`

    function actCommit(uint256 seed) external counted("commit") {
        uint256 id = chance(seed, 4, 8) ? anyProject(seed) : openProject(seed);
        Book storage book = books[id];
        address account = accounts[draw(seed, 1, FIRST_CONTRIBUTOR, FIRST_CONTRIBUTOR + 4)];
        bytes memory call = abi.encodeCall(IModelSubmission.commit, (id, commitmentBy(account, id, seed)));
        uint256 value = fund(account, book.token, book.bond);
        (bool succeeded,) = attempt(account, address(submissions), value, call);
        if (!succeeded) return mark("commit refused");
        if (!isExact(book.token)) blame(1, "a bond that was not paid");
        bool isOpen = book.status == ProjectStatus.OPEN && vm.getBlockNumber() < book.openUntil;
        if (!isOpen || administration.isPaused()) blame(5, "a commit that nobody asked for");
        uint32 index = book.count++;
        salts[id][index] = seed;
        paidIn[book.token] += book.bond;
        mark("committed");
        if (!chance(seed, 2, 5)) reveal(id, index, account);
    }

    /// @dev Some submissions of a project, perhaps too late.
    function actReveal(uint256 seed) external counted("reveal") {
        uint256 id = anyProject(seed);
        for (uint32 index = books[id].head; index < books[id].count; ++index) {
            if (chance(seed, index, 4)) continue; // some never reveal
            Submission memory submission = submissionAt(id, index);
            if (submission.status == SubmissionStatus.COMMITTED) reveal(id, index, submission.contributor);
        }
    }

    function actDispute(uint256 seed) external counted("dispute") {
        (uint256 id, uint32 index) = anyHeld(seed, RewardStatus.WITHHELD);
        if (id == 0) return;
        Held storage held = helds[id][index];
        address account = chance(seed, 1, 3) ? contributor : informer; // perhaps of its own reward
        bytes memory call = abi.encodeCall(IAttestationCenter.dispute, (held.taskId));
        (bool succeeded,) = attempt(account, address(center), DISPUTE_BOND, call);
        if (succeeded != vm.getBlockNumber() < held.until) blame(5, "disputing a reward");
        if (!succeeded) return;
        paidIn[COIN] += DISPUTE_BOND;
        held.status = RewardStatus.DISPUTED;
        held.disputer = account;
        uint256 ruledUntil = vm.getBlockNumber() + RESOLVE_BLOCKS;
        if (ruledUntil > held.until) held.until = ruledUntil;
        mark("disputed");
    }

    // ---- steps

    /// @dev Invariant 8: a reveal in time succeeds, also during a pause.
    function reveal(uint256 id, uint32 index, address account) internal {
        Submission memory submission = submissionAt(id, index);
        bool isInTime = vm.getBlockNumber() <= submission.since + books[id].revealBlocks;
        string memory cid = cidOf(salts[id][index]);
        bytes memory call = abi.encodeCall(IModelSubmission.reveal, (id, index, cid, bytes32(salts[id][index])));
        (bool succeeded,) = attempt(account, address(submissions), 0, call);
        if (succeeded != isInTime) blame(8, "revealing a submission");
        if (!succeeded) return mark("revealed too late");
        mark("revealed");
        sync(id);
    }

    // ---- choices

    /// @dev A project that takes commits, if there is one.
    function openProject(uint256 seed) private view returns (uint256 id) {
        uint256 count = projectTotal();
        uint256 start = draw(seed, 5, 0, count - 1);
        for (uint256 i = 0; i < count; ++i) {
            id = 1 + (start + i) % count;
            bool isOpen = books[id].status == ProjectStatus.OPEN && vm.getBlockNumber() < books[id].openUntil;
            if (isOpen && isExact(books[id].token)) return id;
        }
    }

    function commitmentBy(address account, uint256 id, uint256 salt) private view returns (bytes32) {
        return Digests.commitment(block.chainid, address(submissions), id, account, cidOf(salt), bytes32(salt));
    }

    function cidOf(uint256 salt) private pure returns (string memory) {
        return salt % 2 == 0 ? BETTER_CID : BEST_CID;
    }

    /// @dev A submission whose reward has this status; id 0 if there is none.
    function anyHeld(uint256 seed, RewardStatus status) internal view returns (uint256, uint32) {
        uint256 count = projectTotal();
        for (uint256 i = 0; i < count; ++i) {
            uint256 id = 1 + (seed % count + i) % count;
            uint32 head = books[id].head;
            for (uint32 n = 1; n < head; ++n) {
                uint32 index = chance(seed, 101, 2) ? n : head - n;
                if (helds[id][index].status == status) return (id, index);
            }
        }
        return (0, 0);
    }
}
