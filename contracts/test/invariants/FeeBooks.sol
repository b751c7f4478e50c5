// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Code, Evaluation, OperatorStatus} from "../../src/types/Types.sol";
import {MarketBooks} from "./MarketBooks.sol";

/// @dev What accepted certificates must have done: whose fee, who is slashed, which task is over.
abstract contract FeeBooks is MarketBooks {
    uint256 private constant WHOLE = type(uint32).max;

    /// A certificate that an actor posts.
    struct Post {
        bytes32 taskId;
        uint256 projectId;
        uint32 index;
        uint256 version;
        Evaluation evaluation;
        uint128 bitmap;
        bool approved;
        uint8 posterSlot;
        uint8 performerSlot;
        bool hasTurn;
    }

    /// The parts of one fee.
    struct Parts {
        uint256 performer;
        uint256 aggregator;
        uint256 attesters;
        uint256 total;
    }

    uint256 internal guiltySlashBps = GUILTY_BPS;
    uint256 internal conflictSlashBps = CONFLICT_BPS;
    uint256 internal overturnedSlashBps = OVERTURNED_BPS;
    uint256 internal turnBlocks = TURN_BLOCKS;
    mapping(bytes32 evaluationHash => uint128) internal rejectedBy; // who rejected it, if a certificate was accepted
    mapping(bytes32 evaluationHash => uint128) internal approvedBy;

    /// @dev Note an approval that AttestationCenter accepted. `sync` notes what it did to the submission.
    function noteApproval(Post memory post) internal {
        Work storage work = works[workNumbers[post.taskId] - 1];
        if (++work.approvals + work.expiries > 1) blame(2, "a task with two ends");
        uint256 signed = stakeOf(post.version, post.bitmap);
        if (!(signed * BPS > seals[post.version].total * books[post.projectId].quorumBps)) {
            blame(3, "an approval without its quorum");
        }
        noteVotes(post, approvedBy, rejectedBy);
        work.settlement = dues.length;
        (uint256 unearned, uint256 promised) = noteFee(post, signed);
        uint256 fee = books[post.projectId].fee;
        address money = books[post.projectId].token;
        dues.push(Due(money, post.projectId, post.bitmap, uint32(post.version), false, fee - unearned, promised, 0));
        feesDue[money] += promised;
        dust[money] += fee - unearned - promised;
        approval.projectId = post.projectId;
        approval.index = post.index;
        approval.taskId = post.taskId;
        approval.unearned = unearned;
        approval.evaluation = post.evaluation;
        mark("approved");
        if (post.hasTurn) mark("approved in turn");
        if (post.bitmap != seals[post.version].occupied) mark("approved with absent signers");
        sync(post.projectId);
    }

    /// @dev Note a rejection that AttestationCenter accepted.
    function noteRejection(Post memory post) internal {
        uint256 signed = stakeOf(post.version, post.bitmap);
        uint256 total = seals[post.version].total;
        uint256 quorumBps = books[post.projectId].quorumBps;
        if (signed * BPS < total * (BPS - quorumBps)) blame(4, "a rejection that leaves room for an approval");
        noteVotes(post, rejectedBy, approvedBy);
        mark("rejected");
        bool isOwnFault = post.evaluation.code != Code.UNAVAILABLE && post.evaluation.code != Code.EVALUATOR_FAILED;
        if (isOwnFault && signed * BPS > total * quorumBps) notePunishment(post, signed);
    }

    /// @dev Invariant 4: of operators that vote once, no evaluation gets both certificates.
    function noteVotes(
        Post memory post,
        mapping(bytes32 => uint128) storage own,
        mapping(bytes32 => uint128) storage other
    ) private {
        bytes32 evaluationHash = keccak256(abi.encode(post.evaluation));
        own[evaluationHash] = post.bitmap;
        if (other[evaluationHash] != 0 && other[evaluationHash] & post.bitmap == 0) {
            blame(4, "one evaluation approved and rejected");
        }
    }

    /// @dev 40 % are the performer's, 10 % the aggregator's by the signed share if it is its turn, the rest the
    ///      attesters' by stake.
    function noteFee(Post memory post, uint256 signed) private returns (uint256 unearned, uint256 promised) {
        uint256 fee = books[post.projectId].fee;
        Parts memory parts;
        parts.total = seals[post.version].total;
        parts.performer = fee * 40 / 100;
        parts.attesters = fee - parts.performer;
        if (post.hasTurn) {
            parts.attesters -= fee / 10;
            parts.aggregator = (fee / 10) * (signed * WHOLE / parts.total) / WHOLE;
        }
        unearned = fee - parts.performer - parts.aggregator - parts.attesters * signed / parts.total;
        uint256 number = dues.length;
        for (uint256 slot = 0; slot < SEATS; ++slot) {
            uint256 share = 0;
            if (post.bitmap & bit(slot) != 0) share += parts.attesters * stakeAt[post.version][slot] / parts.total;
            if (slot == post.performerSlot) share += parts.performer;
            if (slot == post.posterSlot) share += parts.aggregator;
            if (share != 0) shares[number][seatAt[post.version][slot]] = share;
            promised += share;
        }
    }

    /// @dev The performer is slashed and jailed; who rejected its evaluation shares the slash, up to half of the fee.
    function notePunishment(Post memory post, uint256 signed) private {
        uint256 index = seatAt[post.version][post.performerSlot];
        uint256 amount = noteSlash(index, guiltySlashBps, keccak256(abi.encode("guilty", post.taskId)), true);
        if (amount == 0) return;
        mark("performer guilty");
        Book storage book = books[post.projectId];
        uint256 gift = book.token == COIN ? book.fee / 2 : amount / 2;
        if (gift > amount) gift = amount;
        uint256 total = seals[post.version].total;
        uint256 promised = gift * signed / total;
        uint256 split = 0;
        for (uint256 slot = 0; slot < SEATS; ++slot) {
            if (post.bitmap & bit(slot) == 0) continue;
            uint256 share = gift * stakeAt[post.version][slot] / total;
            shares[dues.length][seatAt[post.version][slot]] = share;
            split += share;
        }
        dues.push(Due(COIN, post.projectId, post.bitmap, uint32(post.version), true, promised, split, 0));
        notePot(treasury, amount - promised);
        potDust += promised - split;
    }

    /// @dev Note that a claim paid an operator all of its settlements before `end`.
    function noteClaim(uint256 index, uint256 end) internal {
        Seat storage seat = seats[index];
        for (uint256 number = seat.cursor; number < end; ++number) {
            uint256 share = shares[number][index];
            if (share == 0) continue;
            Due storage due = dues[number];
            due.paid += share;
            if (due.isRejection) {
                notePot(seat.receiver, share);
                mark("slash shared");
            } else {
                credit(seat.receiver, due.token, share);
                feesDue[due.token] -= share;
                mark("fee claimed");
            }
        }
        seat.cursor = end;
    }

    function canClaim(uint256 index, uint256 upTo) internal view returns (bool) {
        if (seats[index].status == OperatorStatus.NONE) return false;
        return (upTo < dues.length ? upTo : dues.length) > seats[index].cursor;
    }

    /// @dev Occupied slot number `number` of a sealed set.
    function slotNumbered(uint256 version, uint256 number) internal view returns (uint8) {
        // forge-lint: disable-next-line(unsafe-typecast) There are 128 slots.
        return uint8(slotOf(seals[version].occupied, number));
    }
}
