// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {Tokens} from "../../src/libraries/Tokens.sol";
import {OperatorStatus} from "../../src/types/Types.sol";
import {GovernanceTest} from "../support/GovernanceTest.sol";
import {CallingOwner, Penniless} from "../support/StakeTokens.sol";

/// @dev Stakes that grow or are slashed, and the money that this moves. AvsGovernanceSets has the stakes in sets.
contract AvsGovernanceStakeTest is GovernanceTest {
    // ---- increaseStake

    function test_increaseStake__active__adds_and_emits() public {
        registerMany(2);
        vm.deal(address(this), 1 ether);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorStakeIncreased(operatorOf(1), 1 ether, STAKE + 1 ether);
        governance.increaseStake{value: 1 ether}(operatorOf(1), 1 ether);
        assertEq(recordOf(1).stake, STAKE + 1 ether);
        assertEq(recordOf(0).stake, STAKE);
        checkBalance();
    }

    function test_increaseStake__jailed__adds() public {
        register(0, STAKE);
        jail(0);
        topUp(0, 5);
        assertEq(recordOf(0).stake, STAKE + 5);
    }

    function test_increaseStake__unknown_leaving_or_gone__reverts() public {
        registerMany(3);
        eject(1);
        deregister(0);
        leaveAndComplete(2);
        for (uint256 index = 0; index < 4; ++index) {
            expectNotActive(index);
            governance.increaseStake(operatorOf(index), 0);
        }
    }

    function test_increaseStake__value_differs__reverts() public {
        register(0, STAKE);
        vm.deal(address(this), 2 ether);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, 2 ether, 1 ether));
        governance.increaseStake{value: 2 ether}(operatorOf(0), 1 ether);
    }

    function test_increaseStake__over_uint96__reverts() public {
        register(0, STAKE);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        governance.increaseStake(operatorOf(0), type(uint96).max);
    }

    // ---- slash

    function test_slash__active__takes_the_part_into_the_pot() public {
        registerMany(2);
        vm.prank(address(center));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorSlashed(operatorOf(1), CASE, 0.32 ether, STAKE - 0.32 ether);
        uint96 amount = governance.slash(operatorOf(1), 100, CASE, false);

        assertEq(amount, 0.32 ether);
        assertEq(governance.pot(), 0.32 ether);
        assertEq(recordOf(1).stake, STAKE - 0.32 ether);
        assertEq(recordOf(0).stake, STAKE);
        checkStatus(1, OperatorStatus.ACTIVE);
        checkBalance();
    }

    function test_slash__part_of_a_unit__rounds_down() public {
        register(0, 1 ether + 9_999);
        assertEq(slash(0, 1, CASE), 0.0001 ether);
        assertEq(recordOf(0).stake, 0.9999 ether + 9_999);
    }

    function test_slash__whole_stake__leaves_nothing() public {
        register(0, STAKE);
        assertEq(slash(0, 10_000, CASE), STAKE);
        assertEq(recordOf(0).stake, 0);
        assertEq(slash(0, 10_000, "next case"), 0);
        checkBalance();
    }

    function test_slash__others__reverts() public {
        register(0, STAKE);
        address[3] memory callers = [timelock, ownerAt(0), address(this)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.NotAttestationCenter.selector, callers[i]));
            governance.slash(operatorOf(0), 100, CASE, false);
        }
    }

    function test_slash__same_case__once_for_each_operator() public {
        registerMany(2);
        assertEq(slash(0, 100, CASE), 0.32 ether);
        assertEq(slash(0, 100, CASE), 0);
        assertEq(slash(1, 100, CASE), 0.32 ether);
        assertEq(slash(1, 100, CASE), 0);
        assertEq(slash(0, 100, "another case"), 0.3168 ether);
        assertEq(governance.pot(), 0.9568 ether);
        assertEq(recordOf(0).stake, STAKE - 0.6368 ether);
    }

    function test_slash__repeated_case__jails_nobody() public {
        register(0, STAKE);
        slash(0, 100, CASE);
        vm.prank(address(center));
        governance.slash(operatorOf(0), 100, CASE, true);
        checkStatus(0, OperatorStatus.ACTIVE);
    }

    function test_slash__leaving__slashed_and_not_jailed() public {
        registerMany(2);
        deregister(0);
        eject(1);
        vm.prank(address(center));
        assertEq(governance.slash(operatorOf(0), 5_000, CASE, true), STAKE / 2);
        assertEq(slash(1, 10_000, CASE), STAKE);
        checkStatus(0, OperatorStatus.EXITING);
        checkStatus(1, OperatorStatus.EJECTED);
        complete(0);
        complete(1);
        assertEq(destination().balance, STAKE / 2);
        checkBalance();
    }

    function test_slash__gone_or_unknown__zero_and_no_effect() public {
        register(0, STAKE);
        leaveAndComplete(0);
        register(1, STAKE); // in the slot of operator 0, and in that of an empty record
        vm.recordLogs();
        assertEq(slash(0, 10_000, CASE), 0);
        assertEq(slash(2, 10_000, CASE), 0);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(recordOf(1).stake, STAKE);
        assertEq(governance.pot(), 0);
        checkStatus(0, OperatorStatus.EXITED);
        checkStatus(2, OperatorStatus.NONE);

        register(2, STAKE);
        assertEq(slash(2, 100, CASE), 0.32 ether); // what failed before it registered was not its case
    }

    function test_slash__jailed__slashed_and_stays_jailed() public {
        register(0, STAKE);
        jail(0);
        vm.recordLogs();
        assertEq(slash(0, 10_000, "next case"), STAKE);
        assertEq(vm.getRecordedLogs().length, 1); // OperatorSlashed, and not OperatorJailed again
        checkStatus(0, OperatorStatus.JAILED);
    }

    // ---- jail

    function test_jail__asked_for__jailed_whatever_is_left() public {
        registerMany(2);
        vm.prank(address(center));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorSlashed(operatorOf(0), CASE, 0, STAKE);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorJailed(operatorOf(0));
        governance.slash(operatorOf(0), 0, CASE, true);
        checkStatus(0, OperatorStatus.JAILED);
        checkStatus(1, OperatorStatus.ACTIVE);
    }

    function test_jail__at_the_minimum__not_jailed() public {
        register(0, 2 * MIN_STAKE);
        slash(0, 5_000, CASE);
        assertEq(recordOf(0).stake, MIN_STAKE);
        checkStatus(0, OperatorStatus.ACTIVE);
    }

    function test_jail__one_below_the_minimum__jailed() public {
        register(0, 2 * MIN_STAKE - 1); // half of it, rounded down, is taken
        registerFor(governance, registrationOf(governance, 1, 2 * MIN_STAKE - 2));
        slash(0, 5_000, CASE);
        checkStatus(0, OperatorStatus.ACTIVE); // MIN_STAKE is left
        vm.prank(address(center));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorJailed(operatorOf(1));
        governance.slash(operatorOf(1), 5_000, CASE, false);
        assertEq(recordOf(1).stake, MIN_STAKE - 1);
        checkStatus(1, OperatorStatus.JAILED);
    }

    // ---- unjail

    function test_unjail__topped_up_to_the_minimum__waits_again() public {
        jailPoor(0);
        topUp(0, 0.5 ether - 1);
        vm.prank(ownerAt(0));
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.StakeTooSmall.selector, MIN_STAKE - 1, MIN_STAKE));
        governance.unjail(operatorOf(0));

        topUp(0, 1);
        uint40 activeFrom = activationBlock();
        vm.prank(ownerAt(0));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorUnjailed(operatorOf(0), activeFrom);
        governance.unjail(operatorOf(0));
        checkStatus(0, OperatorStatus.ACTIVE);
        assertEq(recordOf(0).activeFrom, activeFrom);
        assertEq(recordOf(0).lastVersion, 0);
    }

    function test_unjail__not_the_owner__reverts() public {
        jailPoor(0);
        topUp(0, 1 ether);
        address[2] memory callers = [operatorOf(0), address(center)];
        for (uint256 i = 0; i < callers.length; ++i) {
            expectNotOwner(callers[i]);
            vm.prank(callers[i]);
            governance.unjail(operatorOf(0));
        }
    }

    function test_unjail__not_jailed__reverts() public {
        registerMany(4);
        deregister(1);
        eject(2);
        leaveAndComplete(3);
        for (uint256 index = 0; index < 4; ++index) {
            vm.prank(ownerAt(index));
            vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.OperatorNotJailed.selector, operatorOf(index)));
            governance.unjail(operatorOf(index));
        }
    }

    // ---- the pot and credits

    function test_payFromPot__center__credits_part_of_it() public {
        register(0, STAKE);
        slash(0, 1_000, CASE);
        vm.prank(address(center));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.StakeCredited(treasury, 1 ether);
        governance.payFromPot(treasury, 1 ether);
        payFromPot(treasury, 2);
        assertEq(governance.pot(), 2.2 ether - 2);
        assertEq(governance.creditOf(treasury), 1 ether + 2);
        checkBalance();
    }

    function test_payFromPot__more_than_it_holds__reverts() public {
        register(0, STAKE);
        slash(0, 1_000, CASE);
        vm.prank(address(center));
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        governance.payFromPot(treasury, 3.2 ether + 1); // the rest would come from others' stake
        payFromPot(treasury, 3.2 ether);
        assertEq(governance.pot(), 0);
    }

    function test_payFromPot__others__reverts() public {
        register(0, STAKE);
        slash(0, 1_000, CASE);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.NotAttestationCenter.selector, timelock));
        governance.payFromPot(timelock, 1);
    }

    function test_withdraw__credit__pays_all_once() public {
        registerWithCredit(0, 3.2 ether, treasury);
        vm.prank(treasury);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.StakeWithdrawn(treasury, destination(), 3.2 ether);
        assertEq(governance.withdraw(destination()), 3.2 ether);
        assertEq(destination().balance, 3.2 ether);
        assertEq(governance.creditOf(treasury), 0);
        checkBalance();

        vm.prank(treasury);
        vm.expectRevert(IAvsGovernance.NothingToWithdraw.selector);
        governance.withdraw(destination());
    }

    function test_withdraw__no_credit__reverts() public {
        registerWithCredit(0, 1 ether, treasury);
        vm.expectRevert(IAvsGovernance.NothingToWithdraw.selector);
        governance.withdraw(destination());
    }

    function test_withdraw__to_the_zero_address__reverts() public {
        registerWithCredit(0, 1 ether, treasury);
        vm.prank(treasury);
        vm.expectRevert(IAvsGovernance.ZeroAddress.selector);
        governance.withdraw(address(0));
    }

    function test_withdraw__receiver_refuses__another_can_be_named() public {
        Penniless account = new Penniless(governance);
        registerWithCredit(0, 1 ether, address(account));
        vm.expectRevert(Tokens.TransferFailed.selector);
        account.withdraw(address(account));
        account.withdraw(destination());
        assertEq(destination().balance, 1 ether);
    }

    function test_withdraw__receiver_reenters__paid_once() public {
        CallingOwner account = new CallingOwner(governance);
        registerWithCredit(0, 1 ether, address(account));
        account.callWhenPaid(abi.encodeCall(governance.withdraw, (address(account))));
        account.withdraw();
        assertEq(address(account).balance, 1 ether);
        assertFalse(account.hasSucceeded(), "refused");
        assertEq(account.answer(), abi.encodeWithSignature("ReentrancyGuardReentrantCall()"));
    }

    // ---- steps

    /// @dev A slash leaves 0.5 ether, half of the minimum.
    function jailPoor(uint256 index) private {
        register(index, MIN_STAKE);
        slash(index, 5_000, CASE);
        checkStatus(index, OperatorStatus.JAILED);
    }

    function registerWithCredit(uint256 index, uint96 amount, address account) private {
        register(index, STAKE);
        slash(index, 10_000, CASE);
        payFromPot(account, amount);
    }
}
