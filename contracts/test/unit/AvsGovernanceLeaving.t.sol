// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {Tokens} from "../../src/libraries/Tokens.sol";
import {Operator, OperatorStatus} from "../../src/types/Types.sol";
import {GovernanceTest} from "../support/GovernanceTest.sol";
import {CallingOwner, Penniless} from "../support/StakeTokens.sol";

/// @dev How operators leave, when they get their stake, and who may free a slot.
contract AvsGovernanceLeavingTest is GovernanceTest {
    // ---- deregisterOperator

    function test_deregisterOperator__owner__is_exiting() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        sealLater();
        vm.prank(ownerAt(0));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorDeregistered(operatorOf(0));
        governance.deregisterOperator(operatorOf(0));

        Operator memory operator = recordOf(0);
        checkStatus(0, OperatorStatus.EXITING);
        checkStatus(1, OperatorStatus.ACTIVE);
        assertEq(operator.lastVersion, 2);
        assertEq(operator.activeFrom, 0);
        assertEq(operator.stake, STAKE);
        assertEq(operator.signingKey, operatorOf(0)); // it can still be slashed
    }

    function test_deregisterOperator__others__reverts() public {
        registerMany(2);
        address[3] memory callers = [operatorOf(0), ownerAt(1), timelock];
        for (uint256 i = 0; i < callers.length; ++i) {
            expectNotOwner(callers[i]);
            vm.prank(callers[i]);
            governance.deregisterOperator(operatorOf(0));
        }
    }

    function test_deregisterOperator__twice__reverts() public {
        register(0, STAKE);
        deregister(0);
        expectNotActive(0);
        vm.prank(ownerAt(0));
        governance.deregisterOperator(operatorOf(0));
    }

    // ---- eject

    function test_eject__role__is_ejected_and_keeps_its_stake() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        vm.prank(timelock);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorEjected(operatorOf(0));
        governance.eject(operatorOf(0));

        checkStatus(0, OperatorStatus.EJECTED);
        assertEq(recordOf(0).lastVersion, 1);
        assertEq(recordOf(0).stake, STAKE);
        governance.sealOperatorSet();
        skip(UNBONDING_BLOCKS);
        complete(0);
        assertEq(destination().balance, STAKE);
    }

    function test_eject__others__reverts() public {
        register(0, STAKE);
        address[2] memory callers = [guardian, ownerAt(0)];
        for (uint256 i = 0; i < callers.length; ++i) {
            expectMissingRole(callers[i], "ADMISSION_ROLE");
            vm.prank(callers[i]);
            governance.eject(operatorOf(0));
        }
    }

    function test_eject__unknown_or_leaving__reverts() public {
        register(0, STAKE);
        deregister(0);
        expectNotActive(0);
        eject(0);
        expectNotActive(1);
        eject(1);
    }

    function test_eject__jailed__is_ejected() public {
        register(0, STAKE);
        jail(0);
        eject(0);
        checkStatus(0, OperatorStatus.EJECTED);
        complete(0);
        assertEq(destination().balance, STAKE);
    }

    // ---- when the stake is free

    function test_unbonding__counts_from_the_set_that_superseded_the_key() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        sealLater(); // version 2, the last with operator 0
        skip(100);
        deregister(0);
        skip(200);
        governance.sealOperatorSet(); // version 3, the first without it
        uint256 unbonded = vm.getBlockNumber() + UNBONDING_BLOCKS;
        sealLater();
        sealLater();

        vm.roll(unbonded - 1);
        expectUnbondedAt(0, unbonded);
        vm.roll(unbonded);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorExited(operatorOf(0), destination(), STAKE);
        complete(0);
        assertEq(destination().balance, STAKE);
        assertEq(recordOf(0).stake, 0);
        checkStatus(0, OperatorStatus.EXITED);
        checkBalance();
    }

    function test_unbonding__not_superseded__never() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        deregister(0);
        skip(10 * UNBONDING_BLOCKS); // new tasks may still use the sealed key
        expectUnbondedAt(0, NOT_SUPERSEDED);
    }

    function test_unbonding__left_before_any_seal__at_once() public {
        registerMany(2);
        deregister(0);
        complete(0);
        assertEq(destination().balance, STAKE);
    }

    function test_unbonding__left_before_any_seal_but_others_sealed__at_once() public {
        registerMany(2);
        deregister(0);
        activate();
        governance.sealOperatorSet();
        complete(0);
        assertEq(destination().balance, STAKE);
    }

    function test_unbonding__left_while_waiting__counts_from_the_next_set() public {
        register(0, STAKE);
        activate();
        governance.sealOperatorSet();
        register(1, STAKE);
        deregister(1); // no set can hold its key, but it was about to be in one
        assertEq(recordOf(1).lastVersion, 1);
        expectUnbondedAt(1, NOT_SUPERSEDED);
        governance.sealOperatorSet();
        expectUnbondedAt(1, vm.getBlockNumber() + UNBONDING_BLOCKS);
    }

    function test_unbonding__jailed_before__counts_from_the_jail() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        jail(0);
        skip(7);
        governance.sealOperatorSet(); // version 2, the first without it
        uint256 unbonded = vm.getBlockNumber() + UNBONDING_BLOCKS;
        sealLater();
        deregister(0);
        assertEq(recordOf(0).lastVersion, 1);
        expectUnbondedAt(0, unbonded);
        vm.roll(unbonded);
        complete(0);
        assertEq(destination().balance, STAKE);
    }

    function test_unbonding__unjailed_and_sealed_again__counts_from_the_later_set() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        jail(0);
        governance.sealOperatorSet();
        unjail(0);
        sealLater(); // version 3 holds it
        deregister(0);
        assertEq(recordOf(0).lastVersion, 3);
        expectUnbondedAt(0, NOT_SUPERSEDED);
        skip(3);
        governance.sealOperatorSet();
        expectUnbondedAt(0, vm.getBlockNumber() + UNBONDING_BLOCKS);
    }

    function test_unbonding__last_operator__gets_its_stake() public {
        register(0, STAKE);
        activate();
        governance.sealOperatorSet();
        deregister(0);
        governance.sealOperatorSet();
        skip(UNBONDING_BLOCKS);
        complete(0);
        assertEq(address(governance).balance, 0);
    }

    function test_unbonding__slashed_meanwhile__gets_the_rest() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        deregister(0);
        governance.sealOperatorSet();
        skip(UNBONDING_BLOCKS - 1);
        slash(0, 1_000, CASE);
        skip(1);
        complete(0);
        assertEq(destination().balance, STAKE - 3.2 ether);
        checkBalance();
    }

    // ---- completeDeregistration

    function test_completeDeregistration__not_leaving__reverts() public {
        registerMany(3);
        jail(1);
        leaveAndComplete(2);
        for (uint256 index = 0; index < 3; ++index) {
            expectCompleteRefused(index, notLeaving(index));
        }
    }

    function test_completeDeregistration__others__reverts() public {
        register(0, STAKE);
        deregister(0);
        expectNotOwner(operatorOf(0));
        vm.prank(operatorOf(0));
        governance.completeDeregistration(operatorOf(0), operatorOf(0));
    }

    function test_completeDeregistration__to_the_zero_address__reverts() public {
        register(0, STAKE);
        deregister(0);
        vm.prank(ownerAt(0));
        vm.expectRevert(IAvsGovernance.ZeroAddress.selector);
        governance.completeDeregistration(operatorOf(0), address(0));
    }

    function test_completeDeregistration__receiver_refuses__another_can_be_named() public {
        Penniless owner = new Penniless(governance);
        vm.deal(address(this), STAKE);
        owner.register{value: STAKE}(registrationFor(address(owner), 0));
        owner.deregister(operatorOf(0));
        vm.expectRevert(Tokens.TransferFailed.selector);
        owner.complete(operatorOf(0), address(owner));
        checkStatus(0, OperatorStatus.EXITING);
        owner.complete(operatorOf(0), destination());
        assertEq(destination().balance, STAKE);
    }

    function test_completeDeregistration__receiver_reenters__paid_once() public {
        register(1, STAKE); // another operator's stake, which an attack could take
        CallingOwner owner = leavingOwner();
        owner.callWhenPaid(abi.encodeCall(governance.completeDeregistration, (operatorOf(0), address(owner))));
        owner.complete(operatorOf(0));
        assertEq(address(owner).balance, STAKE);
        assertEq(address(governance).balance, STAKE);
        assertFalse(owner.hasSucceeded(), "refused");
        assertEq(owner.answer(), abi.encodeWithSignature("ReentrancyGuardReentrantCall()"));
    }

    // ---- releaseSlot

    function test_releaseSlot__stranger__credits_the_owner() public {
        registerMany(2);
        activate();
        governance.sealOperatorSet();
        deregister(0);
        eject(1);
        skip(5);
        governance.sealOperatorSet();
        uint256 unbonded = vm.getBlockNumber() + UNBONDING_BLOCKS;
        vm.roll(unbonded - 1);
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.StillUnbonding.selector, unbonded));
        governance.releaseSlot(operatorOf(0));

        vm.roll(unbonded);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorExited(operatorOf(0), ownerAt(0), STAKE);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.StakeCredited(ownerAt(0), STAKE);
        governance.releaseSlot(operatorOf(0));
        governance.releaseSlot(operatorOf(1));
        checkStatus(0, OperatorStatus.EXITED);
        checkStatus(1, OperatorStatus.EXITED);
        assertEq(ownerAt(0).balance, 0);
        assertEq(governance.creditOf(ownerAt(0)), STAKE);
        checkBalance();
        expectCompleteRefused(0, notLeaving(0)); // not twice
        assertEq(withdrawAs(ownerAt(0), destination()), STAKE);
        assertEq(destination().balance, STAKE);
        checkBalance();
    }

    function test_releaseSlot__owner_that_cannot_receive__slot_is_free() public {
        Penniless owner = new Penniless(governance);
        vm.deal(address(this), STAKE);
        owner.register{value: STAKE}(registrationFor(address(owner), 0));
        owner.deregister(operatorOf(0));
        governance.releaseSlot(operatorOf(0));
        register(1, STAKE);
        assertEq(recordOf(1).slot, 0);
        owner.withdraw(destination());
        assertEq(destination().balance, STAKE);
    }

    function test_releaseSlot__not_leaving__reverts() public {
        registerMany(3);
        jail(1);
        leaveAndComplete(2);
        for (uint256 index = 0; index < 4; ++index) {
            vm.expectRevert(notLeaving(index));
            governance.releaseSlot(operatorOf(index));
        }
    }

    // ---- steps

    function leavingOwner() private returns (CallingOwner owner) {
        owner = new CallingOwner(governance);
        vm.deal(address(this), STAKE);
        owner.register{value: STAKE}(registrationFor(address(owner), 0));
        owner.deregister(operatorOf(0));
    }

    function notLeaving(uint256 index) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAvsGovernance.OperatorNotLeaving.selector, operatorOf(index));
    }
}
