// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {IAvsGovernanceLogic} from "../../src/interfaces/IAvsGovernanceLogic.sol";
import {OperatorStatus, Registration} from "../../src/types/Types.sol";
import {
    BurningHook,
    ClosedHook,
    FloodingHook,
    RecordingHook,
    ReenteringHook,
    RevertingHook
} from "../support/GovernanceHooks.sol";
import {GovernanceTest} from "../support/GovernanceTest.sol";

/// @dev The optional hook: it can refuse an entry, and nothing else.
contract AvsGovernanceHookTest is GovernanceTest {
    uint256 private constant HOOK_GAS = 200_000;

    // ---- setLogic

    function test_setLogic__role__changes_and_emits() public {
        RecordingHook hook = new RecordingHook();
        assertEq(address(governance.logic()), address(0));
        vm.prank(timelock);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.LogicChanged(address(hook));
        governance.setLogic(hook);
        assertEq(address(governance.logic()), address(hook));
    }

    function test_setLogic__others__reverts() public {
        RecordingHook hook = new RecordingHook();
        expectMissingRole(guardian, "PARAMETERS_ROLE");
        vm.prank(guardian);
        governance.setLogic(hook);
    }

    function test_setLogic__zero__no_more_calls() public {
        RecordingHook hook = new RecordingHook();
        setHook(hook);
        setHook(IAvsGovernanceLogic(address(0)));
        register(0, STAKE);
        activate();
        governance.sealOperatorSet();
        deregister(0);
        assertEq(hook.callCount(), 0);
    }

    // ---- what it is told

    function test_hook__registration__told_before_and_after() public {
        RecordingHook hook = new RecordingHook();
        setHook(hook);
        register(0, STAKE);
        assertEq(hook.callCount(), 2);
        bytes memory before = abi.encodeCall(hook.beforeOperatorRegistered, (operatorOf(0), ownerAt(0), STAKE));
        bytes memory afterwards = abi.encodeCall(hook.afterOperatorRegistered, (operatorOf(0), ownerAt(0), STAKE));
        checkCall(hook, 0, before, OperatorStatus.NONE);
        checkCall(hook, 1, afterwards, OperatorStatus.ACTIVE);
    }

    function test_hook__departures__told_of_each() public {
        registerMany(3);
        RecordingHook hook = new RecordingHook();
        setHook(hook);
        deregister(0);
        eject(1);
        jail(2);
        assertEq(hook.callCount(), 3);
        checkCall(hook, 0, abi.encodeCall(hook.afterOperatorLeft, (operatorOf(0))), OperatorStatus.EXITING);
        checkCall(hook, 1, abi.encodeCall(hook.afterOperatorLeft, (operatorOf(1))), OperatorStatus.EJECTED);
        checkCall(hook, 2, abi.encodeCall(hook.afterOperatorLeft, (operatorOf(2))), OperatorStatus.JAILED);
    }

    function test_hook__seal__told_the_version() public {
        registerMany(1);
        activate();
        governance.sealOperatorSet();
        RecordingHook hook = new RecordingHook();
        setHook(hook);
        sealLater();
        assertEq(hook.callCount(), 1);
        checkCall(hook, 0, abi.encodeCall(hook.afterSetSealed, (2)), OperatorStatus.NONE);
        assertEq(hook.callAt(0).latestVersion, 2);
    }

    function test_hook__other_calls__not_told() public {
        register(0, STAKE);
        RecordingHook hook = new RecordingHook();
        setHook(hook);
        topUp(0, 1 ether);
        slash(0, 100, CASE);
        assertEq(hook.callCount(), 0);
    }

    function test_hook__that_works__no_failure_reported() public {
        setHook(new RecordingHook());
        vm.recordLogs();
        deregisterNew(0);
        assertEq(vm.getRecordedLogs().length, 2); // OperatorRegistered, OperatorDeregistered
    }

    // ---- what it cannot do

    function test_hook__refuses_entry__not_registered() public {
        setHook(new ClosedHook());
        Registration memory registration = registrationOf(governance, 0, STAKE);
        bytes memory reason = abi.encodeWithSelector(ClosedHook.Unwelcome.selector, operatorOf(0), ownerAt(0), STAKE);
        expectRegisterRefused(registration, reason);
        checkStatus(0, OperatorStatus.NONE);

        setHook(IAvsGovernanceLogic(address(0)));
        register(0, STAKE); // key and address are still free
    }

    function test_hook__reverts__stops_nothing_else() public {
        checkStopsNothing(new RevertingHook());
    }

    function test_hook__burns_its_gas__stops_nothing_else() public {
        checkStopsNothing(new BurningHook());
    }

    function test_hook__reverts_with_much_data__stops_nothing_else() public {
        checkStopsNothing(new FloodingHook(true));
    }

    function test_hook__answers_with_much_data__stops_nothing() public {
        setHook(new FloodingHook(false));
        vm.recordLogs();
        deregisterNew(0);
        assertEq(vm.getRecordedLogs().length, 2); // an answer of any length is no failure
        checkStatus(0, OperatorStatus.EXITING);
    }

    function test_hook__without_code__refuses_entry_only() public {
        register(0, STAKE);
        setHook(IAvsGovernanceLogic(makeAddress("no code")));
        Registration memory registration = registrationOf(governance, 1, STAKE);
        expectRegisterRefused(registration, "");
        deregister(0);
        checkStatus(0, OperatorStatus.EXITING);
    }

    function test_hook__burns_its_gas__costs_no_more_than_that() public {
        registerMany(2);
        uint256 cheap = gasOfDeparture(0);
        setHook(new BurningHook());
        uint256 dear = gasOfDeparture(1);
        assertLe(dear, cheap + HOOK_GAS + 20_000); // to reach the hook, and the event
    }

    function test_hook__answers_with_much_data__answer_not_copied() public {
        registerMany(2);
        uint256 cheap = gasOfDeparture(0);
        setHook(new FloodingHook(false));
        uint256 dear = gasOfDeparture(1);
        // The hook pays about 95,000 for the memory of its answer. A copy would cost the caller as much again.
        assertLe(dear, cheap + 120_000);
    }

    function test_hook__each_call__gets_the_bounded_gas() public {
        RecordingHook hook = new RecordingHook();
        setHook(hook);
        register(0, STAKE);
        activate();
        governance.sealOperatorSet();
        deregister(0);
        assertEq(hook.callCount(), 4);
        for (uint256 i = 0; i < 4; ++i) {
            assertLe(hook.callAt(i).gas, HOOK_GAS);
            assertLe(HOOK_GAS - 1_000, hook.callAt(i).gas); // spent on finding the function
        }
    }

    // ---- reentrancy

    function test_hook__calls_back__refused() public {
        registerMany(3);
        bytes[3] memory calls = [
            abi.encodeCall(governance.sealOperatorSet, ()),
            abi.encodeCall(governance.increaseStake, (operatorOf(0), 0)),
            abi.encodeCall(governance.releaseSlot, (operatorOf(0)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            ReenteringHook hook = new ReenteringHook(calls[i]);
            setHook(hook);
            deregister(i);
            checkRefused(hook);
        }
    }

    function test_hook__calls_back_from_any_call__refused() public {
        bytes memory data = abi.encodeCall(governance.increaseStake, (operatorOf(0), 0));
        register(0, STAKE);
        ReenteringHook hook = new ReenteringHook(data);
        setHook(hook);
        register(1, STAKE);
        checkRefused(hook);

        setHook(hook = new ReenteringHook(data));
        activate();
        governance.sealOperatorSet();
        checkRefused(hook);

        setHook(hook = new ReenteringHook(data));
        eject(1);
        checkRefused(hook);

        setHook(hook = new ReenteringHook(data));
        jail(0);
        checkRefused(hook);
    }

    // ---- steps

    function setHook(IAvsGovernanceLogic hook) private {
        vm.prank(timelock);
        governance.setLogic(hook);
    }

    function deregisterNew(uint256 index) private {
        register(index, STAKE);
        deregister(index);
    }

    function gasOfDeparture(uint256 index) private returns (uint256) {
        vm.prank(ownerAt(index));
        governance.deregisterOperator(operatorOf(index));
        return vm.lastCallGas().gasTotalUsed;
    }

    /// @dev Registration, exit, ejection, slash and seal all work, and each failure is reported.
    function checkStopsNothing(IAvsGovernanceLogic hook) private {
        setHook(hook);
        expectFailure(IAvsGovernanceLogic.afterOperatorRegistered.selector);
        register(0, STAKE);
        registerMore(3);
        activate();
        expectFailure(IAvsGovernanceLogic.afterSetSealed.selector);
        governance.sealOperatorSet();

        expectFailure(IAvsGovernanceLogic.afterOperatorLeft.selector);
        deregister(0);
        checkStatus(0, OperatorStatus.EXITING);
        expectFailure(IAvsGovernanceLogic.afterOperatorLeft.selector);
        eject(1);
        checkStatus(1, OperatorStatus.EJECTED);
        vm.prank(address(center));
        expectFailure(IAvsGovernanceLogic.afterOperatorLeft.selector);
        assertEq(governance.slash(operatorOf(2), 100, CASE, true), 0.32 ether);
        checkStatus(2, OperatorStatus.JAILED);

        governance.sealOperatorSet();
        assertEq(governance.sealedSet(2).occupied, 8);
        skip(UNBONDING_BLOCKS);
        complete(0);
        assertEq(destination().balance, STAKE);
        checkBalance();
    }

    function registerMore(uint256 count) private {
        for (uint256 i = 1; i <= count; ++i) {
            register(i, STAKE);
        }
    }

    function expectFailure(bytes4 selector) private {
        vm.expectEmit(address(governance));
        emit IAvsGovernance.LogicFailed(selector);
    }

    function checkCall(RecordingHook hook, uint256 index, bytes memory data, OperatorStatus status) private view {
        RecordingHook.Call memory call_ = hook.callAt(index);
        assertEq(call_.data, data);
        assertEq(uint256(call_.status), uint256(status));
    }

    function checkRefused(ReenteringHook hook) private view {
        assertFalse(hook.hasSucceeded(), "refused");
        assertEq(hook.answer(), abi.encodeWithSignature("ReentrancyGuardReentrantCall()"));
    }
}
