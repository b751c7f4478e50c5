// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {ISeedSource} from "../../src/interfaces/ISeedSource.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Evaluation, SignedVote} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {CenterTest} from "../support/CenterTest.sol";

/// @dev An operator that voted both ways loses 10 % of 32 ether; half of it is the informer's.
contract AttestationCenterConflictsTest is CenterTest {
    uint96 private constant SLASHED = 3.2 ether;
    bytes32 private constant REASON = "CONFLICT";
    address private informer = makeAddress("informer");

    bytes32 private taskId;
    Evaluation private first;
    Evaluation private second;

    function setUp() public override {
        super.setUp();
        taskId = openAndStart(1);
        first = evaluationOf(taskId, 0);
        second = first;
        second.challengerScore += 1;
    }

    // ---- what is an offence

    function test_proveConflict__one_operator_approved_two_evaluations__slashed() public {
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorSlashed(operatorOf(1), caseOf(), SLASHED, STAKE - SLASHED);
        vm.expectEmit(address(center));
        emit IAttestationCenter.ConflictProven(taskId, 0, 2, SLASHED);
        prove(vote(first, true, 2), vote(second, true, 2));
        checkStakes(STAKE, STAKE - SLASHED, STAKE);
        assertEq(governance.creditOf(informer), SLASHED / 2);
        assertEq(governance.creditOf(treasury), SLASHED / 2);
        assertEq(governance.pot(), 0);
    }

    function test_proveConflict__approved_and_rejected_one_evaluation__slashed() public {
        prove(vote(first, true, 4), vote(first, false, 4));
        checkStakes(STAKE, STAKE, STAKE - SLASHED);
    }

    function test_proveConflict__rejected_and_approved__slashed_in_either_order() public {
        prove(vote(first, false, 4), vote(first, true, 4));
        checkStakes(STAKE, STAKE, STAKE - SLASHED);
    }

    function test_proveConflict__two_certificates__slashes_their_intersection() public {
        vm.expectEmit(address(center));
        emit IAttestationCenter.ConflictProven(taskId, 0, 2, SLASHED);
        prove(vote(first, true, 3), vote(first, false, 6));
        checkStakes(STAKE, STAKE - SLASHED, STAKE);
    }

    function test_proveConflict__all_signed_both__slashes_all() public {
        vm.expectEmit(address(center));
        emit IAttestationCenter.ConflictProven(taskId, 0, ALL, 3 * SLASHED);
        prove(vote(first, true, ALL), vote(second, true, ALL));
        checkStakes(STAKE - SLASHED, STAKE - SLASHED, STAKE - SLASHED);
        assertEq(governance.creditOf(informer), 3 * SLASHED / 2);
    }

    function test_proveConflict__an_attempt_that_has_not_begun__is_an_offence_too() public {
        first.attempt = 2;
        second.attempt = 2;
        vm.expectEmit(address(center));
        emit IAttestationCenter.ConflictProven(taskId, 2, 1, SLASHED);
        prove(vote(first, true, 1), vote(second, true, 1));
    }

    function test_proveConflict__settled_expired_or_paused__works() public {
        decide(taskId, 0, ALL, true);
        prove(vote(first, true, 1), vote(first, false, 1));
        pause();
        prove(vote(first, true, 2), vote(first, false, 2));
        checkStakes(STAKE - SLASHED, STAKE - SLASHED, STAKE);
    }

    function test_proveConflict__operator_left__its_stake_is_still_there() public {
        center.fixSeed(taskId, headerFor(taskId));
        depart(0);
        governance.sealOperatorSet();
        vm.roll(vm.getBlockNumber() + UNBONDING_BLOCKS - 1);
        proveWith(vote(first, true, 1), vote(second, true, 1), "");
        checkStakes(STAKE - SLASHED, STAKE, STAKE);
    }

    // ---- how often

    function test_proveConflict__same_task_again__slashes_only_others() public {
        prove(vote(first, true, 1), vote(second, true, 1));
        SignedVote memory third = vote(first, false, 1);
        expectRefused(vote(first, true, 1), third, IAttestationCenter.NothingToSlash.selector);
        vm.expectEmit(address(center));
        emit IAttestationCenter.ConflictProven(taskId, 0, 3, SLASHED);
        prove(vote(first, true, 3), vote(second, true, 3));
        checkStakes(STAKE - SLASHED, STAKE - SLASHED, STAKE);
    }

    function test_proveConflict__other_task__slashes_again() public {
        prove(vote(first, true, 1), vote(second, true, 1));
        taskId = openAndStart(2);
        first = evaluationOf(taskId, 0);
        prove(vote(first, true, 1), vote(first, false, 1));
        checkStakes(STAKE - SLASHED - (STAKE - SLASHED) / 10, STAKE, STAKE);
    }

    // ---- what is none

    function test_proveConflict__two_rejections__no_conflict() public {
        expectNoConflict(vote(first, false, 1), vote(second, false, 1));
    }

    function test_proveConflict__approved_one_and_rejected_another__no_conflict() public {
        expectNoConflict(vote(first, true, 1), vote(second, false, 1));
        expectNoConflict(vote(first, false, 1), vote(second, true, 1));
    }

    function test_proveConflict__one_vote_twice__no_conflict() public {
        expectNoConflict(vote(first, true, 1), vote(first, true, 1));
        expectNoConflict(vote(first, false, 1), vote(first, false, 1));
        expectNoConflict(vote(first, true, 1), vote(first, true, 3)); // in two aggregates
    }

    function test_proveConflict__other_attempt__no_conflict() public {
        second.attempt = 1;
        expectNoConflict(vote(first, true, 1), vote(second, true, 1));
    }

    function test_proveConflict__other_task__no_conflict() public {
        bytes32 other = openAndStart(2);
        second.taskId = other;
        expectNoConflict(vote(first, true, 1), vote(second, true, 1));
    }

    function test_proveConflict__no_common_signer__slashes_nobody() public {
        SignedVote memory approved = vote(first, true, 3);
        SignedVote memory rejected = vote(first, false, 4);
        expectRefused(approved, rejected, IAttestationCenter.NothingToSlash.selector);
    }

    function test_proveConflict__votes_on_another_branch_of_the_chain__slashes_nobody() public {
        // Before a reorganisation, honest operators approved what the other seed block gave.
        second.inputHash = Digests.inputHash(INPUT_ROOT, keccak256("the seed of a branch that is gone"));
        bytes4 reason = IAttestationCenter.WrongInputHash.selector;
        expectRefused(vote(first, true, 1), vote(second, true, 1), reason);
        expectRefused(vote(second, true, 1), vote(first, true, 1), reason);
        expectRefused(vote(second, true, 1), vote(second, false, 1), reason);
    }

    // ---- evidence

    function test_proveConflict__bad_signature__reverts() public {
        SignedVote memory approved = vote(first, true, 1);
        SignedVote memory rejected = vote(first, false, 1);
        bytes4 reason = IAttestationCenter.BadAggregateSignature.selector;
        (approved.signature, rejected.signature) = (rejected.signature, approved.signature);
        expectRefused(approved, rejected, reason);
        approved.signature = BlsSigner.signVote(blsSecret(0), voteDigestOf(first, true));
        expectRefused(approved, rejected, reason); // the second is still wrong
        expectRefused(rejected, approved, reason);
    }

    function test_proveConflict__bitmap_names_another_operator__reverts() public {
        SignedVote memory approved = vote(first, true, 1);
        approved.bitmap = 3;
        expectRefused(approved, vote(first, false, 3), IAttestationCenter.BadAggregateSignature.selector);
    }

    function test_proveConflict__no_signers__reverts() public {
        SignedVote memory empty = vote(first, true, 1);
        (empty.bitmap, empty.signature) = (0, new bytes(256));
        expectRefused(empty, vote(first, false, 1), IAttestationCenter.BadAggregateSignature.selector);
    }

    function test_proveConflict__empty_slot__reverts() public {
        SignedVote memory approved = vote(first, true, 1);
        approved.bitmap = 9;
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.EmptySlotSigned.selector, 3);
        expectRevertOf(approved, vote(first, false, 1), headerFor(taskId), reason);
        expectRevertOf(vote(first, false, 1), approved, headerFor(taskId), reason);
    }

    function test_proveConflict__unknown_task__reverts() public {
        bytes memory header = headerFor(taskId);
        first.taskId = keccak256("unknown");
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.UnknownTask.selector, first.taskId);
        expectRevertOf(vote(first, true, 1), vote(first, false, 1), header, reason);
    }

    // ---- seed

    function test_proveConflict__stored_seed__needs_no_header() public {
        center.fixSeed(taskId, headerFor(taskId));
        proveWith(vote(first, true, 1), vote(second, true, 1), "");
        checkStakes(STAKE - SLASHED, STAKE, STAKE);
    }

    function test_proveConflict__neither_header_nor_stored_seed__reverts() public {
        bytes memory reason = abi.encodeWithSelector(IAttestationCenter.SeedNotFixed.selector, taskId);
        expectRevertOf(vote(first, true, 1), vote(first, false, 1), "", reason);
    }

    function test_proveConflict__wrong_header__reverts() public {
        uint256 seedBlock = taskOf(taskId).seedBlock;
        bytes memory header = headerOf(seedBlock + 1);
        bytes memory reason = abi.encodeWithSelector(
            ISeedSource.WrongHeader.selector, seedBlock, keccak256(headerOf(seedBlock)), keccak256(header)
        );
        expectRevertOf(vote(first, true, 1), vote(first, false, 1), header, reason);
    }

    // ---- steps

    function vote(Evaluation memory evaluation, bool approved, uint128 bitmap)
        private
        view
        returns (SignedVote memory)
    {
        bytes memory signature = BlsSigner.signVote(secretOf(bitmap), voteDigestOf(evaluation, approved));
        return SignedVote(evaluation, approved, bitmap, signature);
    }

    function prove(SignedVote memory one, SignedVote memory other) private {
        proveWith(one, other, headerFor(taskId));
    }

    function proveWith(SignedVote memory one, SignedVote memory other, bytes memory header) private {
        vm.prank(informer);
        center.proveConflict(one, other, header);
    }

    function expectNoConflict(SignedVote memory one, SignedVote memory other) private {
        expectRefused(one, other, IAttestationCenter.NotConflicting.selector);
    }

    function expectRefused(SignedVote memory one, SignedVote memory other, bytes4 reason) private {
        expectRevertOf(one, other, headerFor(taskId), abi.encodeWithSelector(reason));
    }

    function expectRevertOf(SignedVote memory one, SignedVote memory other, bytes memory header, bytes memory reason)
        private
    {
        vm.expectRevert(reason);
        center.proveConflict(one, other, header);
    }

    function caseOf() private view returns (bytes32) {
        return keccak256(abi.encode(REASON, taskId));
    }

    function checkStakes(uint256 zeroth, uint256 one, uint256 two) private view {
        assertEq(governance.getOperator(operatorOf(0)).stake, zeroth);
        assertEq(governance.getOperator(operatorOf(1)).stake, one);
        assertEq(governance.getOperator(operatorOf(2)).stake, two);
    }
}
