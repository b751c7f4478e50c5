// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {Evaluation} from "../../src/types/Types.sol";
import {AttestationFixture} from "./AttestationFixture.sol";

/// @dev Three operators of equal stake: two are enough to approve, to reject and to make a performer guilty.
abstract contract CenterTest is AttestationFixture {
    uint128 internal constant ALL = 7;
    /// The slots 0, 2, 3 and 5 of a set with gaps.
    uint128 internal constant GAPPED = 45;

    function setUp() public virtual {
        deployWithOperators(3);
    }

    // ---- other sets

    function deployWithStakes(uint96 first, uint96 second, uint96 third) internal {
        deploy();
        register(0, first);
        register(1, second);
        register(2, third);
        vm.roll(vm.getBlockNumber() + ACTIVATION_DELAY);
        governance.sealOperatorSet();
    }

    /// @dev Six operators, of which 1 and 4 have left: tasks use version 2, with the slots `GAPPED`.
    function deployWithGaps() internal {
        deployWithOperators(6);
        depart(1);
        depart(4);
        governance.sealOperatorSet();
        assertEq(governance.sealedSet(2).occupied, GAPPED);
    }

    function depart(uint256 index) internal {
        vm.prank(ownerOf(operatorOf(index)));
        governance.deregisterOperator(operatorOf(index));
    }

    function pause() internal {
        vm.prank(guardian);
        administration.pause();
    }

    // ---- tasks

    function settleBy(uint32 submissionIndex, uint128 bitmap) internal returns (bytes32 taskId) {
        taskId = openAndStart(submissionIndex);
        decide(taskId, 0, bitmap, true);
    }

    function submit(uint256 poster, Evaluation memory evaluation, uint128 bitmap, bool approved) internal {
        submitAs(poster, infoOf(evaluation), certify(evaluation, bitmap, approved));
    }

    function expire(bytes32 taskId) internal {
        vm.roll(deadlineOf(taskId));
        center.expireTask(taskId);
    }

    /// @dev Go to the start of the next turn of the operator with this number among the occupied slots.
    function goToTurn(uint256 number, uint256 count) internal {
        uint256 turn = vm.getBlockNumber() / TURN_BLOCKS + 1;
        while (turn % count != number) ++turn;
        vm.roll(turn * TURN_BLOCKS);
    }

    // ---- expectations

    function expectTaskNotOpen(bytes32 taskId) internal {
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.TaskNotOpen.selector, taskId));
    }

    function expectTaskNotSettled(bytes32 taskId) internal {
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.TaskNotSettled.selector, taskId));
    }
}
