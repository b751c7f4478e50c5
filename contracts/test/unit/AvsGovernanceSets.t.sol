// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {OperatorSet} from "../../src/libraries/OperatorSet.sol";
import {Operator, SealedSet} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {GovernanceTest} from "../support/GovernanceTest.sol";

/// @dev Who is in a sealed set, with what stake, and when a set can be sealed.
contract AvsGovernanceSetsTest is GovernanceTest {
    // ---- content

    function test_sealOperatorSet__first__holds_all_active_operators() public {
        register(0, STAKE);
        register(1, 2 * STAKE);
        activate();
        assertEq(governance.latestVersion(), 0);
        address pointer = vm.computeCreateAddress(address(governance), vm.getNonce(address(governance)));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorSetSealed(1, pointer, 2, 3 * STAKE);
        assertEq(governance.sealOperatorSet(), 1);

        assertEq(governance.latestVersion(), 1);
        SealedSet memory expected = SealedSet(pointer, uint40(vm.getBlockNumber()), 2, 3, 3 * STAKE);
        assertEq(abi.encode(governance.sealedSet(1)), abi.encode(expected));
        (bytes memory key, uint96 stake) = OperatorSet.aggregate(OperatorSet.load(pointer), expected, 3);
        assertEq(key, BlsSigner.publicKey(secretOf(3)));
        assertEq(stake, 3 * STAKE);
        checkEntry(1, 0, operatorOf(0), STAKE);
        checkEntry(1, 1, operatorOf(1), 2 * STAKE);
    }

    function test_sealOperatorSet__with_gaps__each_in_its_slot() public {
        registerMany(6);
        activate();
        governance.sealOperatorSet();
        deregister(1);
        deregister(5);
        governance.sealOperatorSet();
        checkSet(2, 29, 4 * STAKE); // slots 0, 2, 3, 4
        checkEntry(2, 1, address(0), 0);
        checkEntry(2, 2, operatorOf(2), STAKE);
        checkEntry(2, 5, address(0), 0);
        assertEq(governance.sealedSet(2).pointer.code.length, 97 + 5 * 128); // up to the highest occupied slot
        checkSet(1, 63, 6 * STAKE); // a sealed set stays as it is
        checkEntry(1, 5, operatorOf(5), STAKE);
    }

    function test_sealOperatorSet__reused_slot__holds_the_new_operator() public {
        registerMany(2);
        leaveAndComplete(0);
        register(2, 3 * STAKE);
        activate();
        governance.sealOperatorSet();
        checkEntry(1, 0, operatorOf(2), 3 * STAKE);
        checkSet(1, 3, 4 * STAKE);
    }

    function test_sealedSet__unknown__empty() public {
        SealedSet memory nothing;
        register(0, STAKE);
        activate();
        governance.sealOperatorSet();
        assertEq(abi.encode(governance.sealedSet(0)), abi.encode(nothing));
        assertEq(abi.encode(governance.sealedSet(2)), abi.encode(nothing));
    }

    // ---- activation

    function test_activation__at_its_block__counts() public {
        register(0, STAKE);
        activate();
        governance.sealOperatorSet();
        skip(EPOCH_BLOCKS - ACTIVATION_DELAY + 1);
        register(1, STAKE);
        Operator memory operator = recordOf(1);
        assertEq(operator.activeFrom, vm.getBlockNumber() + ACTIVATION_DELAY);
        vm.roll(operator.activeFrom - 1);
        governance.sealOperatorSet(); // exactly an epoch after the first
        checkSet(2, 1, STAKE);

        sealLater();
        checkSet(3, 3, 2 * STAKE);
    }

    function test_activation__first_set__waits_for_an_active_operator() public {
        register(0, STAKE);
        skip(ACTIVATION_DELAY - 1);
        expectError(IAvsGovernance.NoOperators.selector);
        governance.sealOperatorSet();
        skip(1);
        governance.sealOperatorSet();
        checkSet(1, 1, STAKE);
    }

    function test_activation__some_in_time__the_others_wait() public {
        register(0, STAKE);
        skip(1);
        register(1, STAKE);
        skip(ACTIVATION_DELAY - 1);
        governance.sealOperatorSet();
        checkSet(1, 1, STAKE);
    }

    function test_activation__left_while_waiting__never_counts() public {
        registerMany(3);
        deregister(0);
        eject(1);
        activate();
        governance.sealOperatorSet();
        checkSet(1, 4, STAKE);
        sealLater();
        checkSet(2, 4, STAKE);
    }

    function test_activation__jailed_while_waiting__never_counts() public {
        registerMany(2);
        jail(0);
        activate();
        governance.sealOperatorSet();
        checkSet(1, 2, STAKE);
    }

    function test_activation__unjailed__waits_the_whole_delay() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        jail(0);
        governance.sealOperatorSet();
        checkSet(2, 2, STAKE);
        skip(EPOCH_BLOCKS - ACTIVATION_DELAY);
        unjail(0);
        skip(ACTIVATION_DELAY - 1);
        deregister(1); // so that a set can be sealed in this block
        governance.sealOperatorSet();
        checkSet(3, 0, 0);
        sealLater();
        checkSet(4, 1, STAKE);
    }

    function test_activation__unjailed__counts_at_its_block() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        jail(0);
        unjail(0); // before the seal that would have left it out
        skip(ACTIVATION_DELAY);
        governance.sealOperatorSet();
        checkSet(2, 3, 2 * STAKE);
    }

    function test_activation__unjailed_twice__counted_once() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(address(center));
            governance.slash(operatorOf(0), 0, bytes32(i), true);
            unjail(0);
        }
        sealLater();
        checkSet(2, 3, 2 * STAKE);
    }

    // ---- stakes in the next set

    function test_stake__increased__counts_in_the_next_set_only() public {
        registerMany(2);
        topUp(0, 1 ether); // still waiting
        activate();
        governance.sealOperatorSet();
        topUp(1, 2 ether);
        checkSet(1, 3, 2 * STAKE + 1 ether);
        sealLater();
        checkSet(2, 3, 2 * STAKE + 3 ether);
        checkEntry(2, 0, operatorOf(0), STAKE + 1 ether);
        checkEntry(2, 1, operatorOf(1), STAKE + 2 ether);
    }

    function test_stake__slashed__counts_less_in_the_next_set() public {
        registerMany(2);
        slash(0, 1_000, CASE); // still waiting
        activate();
        governance.sealOperatorSet();
        slash(1, 100, CASE);
        checkSet(1, 3, 2 * STAKE - 3.2 ether);
        sealLater();
        checkSet(2, 3, 2 * STAKE - 3.52 ether);
        checkEntry(2, 1, operatorOf(1), STAKE - 0.32 ether);
    }

    function test_stake__of_those_who_left__counts_no_more() public {
        registerMany(4);
        activate();
        governance.sealOperatorSet();
        jail(0);
        topUp(0, 1 ether); // jailed: part of no set
        vm.prank(address(center));
        governance.slash(operatorOf(0), 100, "jailed", false);
        deregister(1);
        slash(1, 100, "exiting");
        eject(2);
        governance.sealOperatorSet();
        checkSet(2, 8, STAKE);
        unjail(0);
        sealLater();
        checkSet(3, 9, 2 * STAKE + 0.67 ether); // 33 ether less 1 %
    }

    // ---- when

    function test_sealOperatorSet__within_the_epoch__reverts() public {
        register(0, STAKE);
        activate();
        governance.sealOperatorSet();
        uint256 nextBlock = vm.getBlockNumber() + EPOCH_BLOCKS;
        register(1, STAKE); // a new operator is no reason
        topUp(0, 1 ether);
        slash(0, 100, CASE);
        vm.roll(nextBlock - 1);
        expectSealRefused(nextBlock);
        vm.roll(nextBlock);
        assertEq(governance.sealOperatorSet(), 2);
        assertEq(governance.sealedSet(2).sealedAt, nextBlock);
        expectSealRefused(nextBlock + EPOCH_BLOCKS);
    }

    function test_sealOperatorSet__after_a_departure__once_at_once() public {
        registerMany(4);
        activate();
        governance.sealOperatorSet();
        deregister(0);
        checkSealedAtOnceAndOnce();
        eject(1);
        checkSealedAtOnceAndOnce();
        jail(2);
        checkSealedAtOnceAndOnce();
    }

    function test_sealOperatorSet__before_anyone__reverts() public {
        expectError(IAvsGovernance.NoOperators.selector);
        governance.sealOperatorSet();
        register(0, STAKE);
        activate();
        deregister(0);
        expectError(IAvsGovernance.NoOperators.selector);
        governance.sealOperatorSet();
        assertEq(governance.latestVersion(), 0);
    }

    function test_sealOperatorSet__all_have_left__empty_set() public {
        register(0, STAKE);
        activate();
        governance.sealOperatorSet();
        deregister(0);
        governance.sealOperatorSet();
        checkSet(2, 0, 0);
        assertEq(governance.sealedSet(2).pointer.code, new bytes(97));

        register(1, STAKE);
        sealLater();
        checkSet(3, 2, STAKE);
    }

    // ---- steps

    function checkSealedAtOnceAndOnce() private {
        governance.sealOperatorSet();
        expectSealRefused(vm.getBlockNumber() + EPOCH_BLOCKS);
    }

    function checkSet(uint32 version, uint128 occupied, uint96 totalStake) private view {
        SealedSet memory set = governance.sealedSet(version);
        assertEq(set.occupied, occupied);
        assertEq(set.totalStake, totalStake);
        uint256 count = 0;
        for (uint128 left = occupied; left != 0; left >>= 1) {
            count += left & 1;
        }
        assertEq(set.count, count);
    }

    function checkEntry(uint32 version, uint256 slot, address operator, uint96 stake) private view {
        (address sealedOperator, uint96 sealedStake) = OperatorSet.entryIn(governance.sealedSet(version).pointer, slot);
        assertEq(sealedOperator, operator);
        assertEq(sealedStake, stake);
    }
}
