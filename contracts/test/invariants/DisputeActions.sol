// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Code, Evaluation, RewardStatus, SignedVote} from "../../src/types/Types.sol";
import {KeeperActions} from "./KeeperActions.sol";

/// @dev The rulings of the resolver, and proofs that operators voted both ways. Half of the proofs prove nothing.
abstract contract DisputeActions is KeeperActions {
    function actResolve(uint256 seed) external counted("resolve") {
        (uint256 id, uint32 index) = anyHeld(seed, RewardStatus.DISPUTED);
        if (id == 0) return;
        Held storage held = helds[id][index];
        if (chance(seed, 1, 8)) waitUntil(held.until);
        address sender = chance(seed, 2, 6) ? stranger : resolver;
        bool isOverturned = chance(seed, 3, 2);
        bytes memory call = abi.encodeCall(IAttestationCenter.resolve, (held.taskId, isOverturned));
        (bool succeeded,) = attempt(sender, address(center), 0, call);
        if (succeeded != (sender == resolver && vm.getBlockNumber() < held.until)) blame(5, "ruling on a dispute");
        if (!succeeded) return;
        if (isOverturned) return noteOverturning(id, index);
        noteReward(id, index);
        mark("upheld");
    }

    /// @dev Two votes of hostile operators, in any task whose seed can be shown.
    function actProveConflict(uint256 seed) external counted("prove conflict") {
        if (works.length == 0) return;
        Work storage work = works[draw(seed, 1, 0, works.length - 1)];
        if (vm.getBlockNumber() <= taskOf(work.taskId).seedBlock || !hasSeed(work.taskId)) return;
        (SignedVote memory first, SignedVote memory second, bool isConflict) = randomVotes(seed, work);
        if (first.bitmap == 0 || second.bitmap == 0) return;
        first.signature = voteOf(work.version, first.bitmap, first.evaluation, first.approved);
        second.signature = voteOf(work.version, second.bitmap, second.evaluation, second.approved);
        prove(work, first, second, isConflict);
    }

    // ---- steps

    function noteOverturning(uint256 id, uint32 index) private {
        Held storage held = helds[id][index];
        Due storage due = dues[works[workNumbers[held.taskId] - 1].settlement];
        noteOverturned(id, index);
        bytes32 caseId = keccak256(abi.encode("overturned", held.taskId));
        noteSlashAll(due.version, due.signers, overturnedSlashBps, caseId, held.disputer);
    }

    /// @dev Invariant 7: only who signed both votes of a conflict is slashed, and once.
    function prove(Work storage work, SignedVote memory first, SignedVote memory second, bool isConflict) private {
        bytes32 caseId = keccak256(abi.encode("conflict", work.taskId));
        uint128 culprits = first.bitmap & second.bitmap;
        uint256 amount = 0;
        for (uint256 slot = 0; slot < SEATS; ++slot) {
            bool isCulprit = culprits & bit(slot) != 0;
            if (isCulprit) amount += slashOf(seatAt[work.version][slot], conflictSlashBps, caseId);
        }
        bytes memory header = headerIfNeeded(work.taskId);
        bytes memory call = abi.encodeCall(IAttestationCenter.proveConflict, (first, second, header));
        (bool succeeded,) = attempt(informer, address(center), 0, call);
        if (succeeded && !isConflict) blame(7, "honest votes were slashed");
        if (succeeded != (isConflict && amount != 0)) blame(7, "a proof of conflicting votes");
        if (!succeeded) return mark(isConflict ? "conflict without a stake" : "honest votes defended");
        noteSlashAll(work.version, culprits, conflictSlashBps, caseId, informer);
        mark("conflict proven");
    }

    // ---- choices

    /// @dev Conflicts: two approvals, or both votes on one evaluation. The others are what an honest operator may sign.
    function randomVotes(uint256 seed, Work storage work)
        private
        view
        returns (SignedVote memory first, SignedVote memory second, bool isConflict)
    {
        uint256 kind = draw(seed, 2, 0, 5);
        first.evaluation = evaluationIn(work.taskId, 0, 7);
        second.evaluation = evaluationIn(work.taskId, 0, kind == 1 ? int64(7) : int64(8));
        (first.approved, second.approved) = (true, kind != 1);
        if (kind == 2) second.approved = false; // another evaluation
        if (kind == 3) first.approved = second.approved = false;
        if (kind == 4) second.evaluation.attempt = 1;
        if (kind == 5) second.evaluation.inputHash = keccak256("another seed's input"); // of a branch that was dropped
        isConflict = kind < 2;
        first.bitmap = randomSlots(seed, work.version, 2);
        second.bitmap = randomSlots(draw(seed, 3, 0, type(uint256).max), work.version, 2);
    }

    function evaluationIn(bytes32 taskId, uint8 number, int64 score)
        private
        view
        returns (Evaluation memory evaluation)
    {
        evaluation.taskId = taskId;
        evaluation.attempt = number;
        evaluation.inputHash = Digests.inputHash(taskOf(taskId).inputRoot, seedFor(taskId));
        evaluation.code = Code.VALID;
        evaluation.challengerScore = score;
    }
}
