// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AttestationCenter} from "../../src/AttestationCenter.sol";
import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {Roles} from "../../src/libraries/Roles.sol";
import {Task} from "../../src/types/Types.sol";
import {CenterTest} from "../support/CenterTest.sol";

contract AttestationCenterParametersTest is CenterTest {
    function test_constructor__any__keeps_wiring_and_parameters() public view {
        assertEq(address(center.administration()), address(administration));
        assertEq(address(center.governance()), address(governance));
        assertEq(address(center.avsLogic()), address(avsLogic));
        assertEq(address(center.modelSubmission()), address(market));
        assertEq(address(center.verifier()), address(verifier));
        assertEq(address(center.seedSource()), address(seedSource));
        assertEq(center.resolver(), resolver);
        assertEq(center.treasury(), treasury);
        assertEq(abi.encode(center.parameters()), abi.encode(defaultParameters()));
    }

    function test_constructor__bad_parameters__reverts() public {
        IAttestationCenter.Parameters memory bad = defaultParameters();
        bad.turnBlocks = 0;
        AttestationCenter.Wiring memory wiring;
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.BadParameter.selector, "turnBlocks"));
        new AttestationCenter(wiring, bad);
    }

    function test_setParameters__holder_of_the_role__changes_and_emits() public {
        IAttestationCenter.Parameters memory next = IAttestationCenter.Parameters(5, 7, 11, 13, 17);
        vm.prank(timelock);
        vm.expectEmit(address(center));
        emit IAttestationCenter.ParametersChanged(next);
        center.setParameters(next);
        assertEq(abi.encode(center.parameters()), abi.encode(next));
    }

    function test_setParameters__open_task__is_as_before() public {
        bytes32 taskId = openAndStart(1);
        Task memory before = taskOf(taskId);
        set(IAttestationCenter.Parameters(4, 7, 0, 0, 0));
        assertEq(abi.encode(taskOf(taskId)), abi.encode(before));
        decide(taskId, 0, ALL, true); // three operators are enough for it
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.TooFewOperators.selector, 3, 4));
        market.open(center, requestOf(2));
        assertFalse(center.canOpen(), "four are needed now");
    }

    function test_setParameters__turn__counts_at_once() public {
        bytes32 taskId = openAndStart(1);
        IAttestationCenter.Parameters memory next = defaultParameters();
        next.turnBlocks = 1;
        set(next);
        vm.roll(1_024); // 1,024 mod 3 = 1, but (1,024 / 5) mod 3 = 0
        submit(1, evaluationOf(taskId, 0), ALL, true);
        assertTrue(market.verdictAt(0).isAggregatorPaid, "it has the turn now");
    }

    function test_setParameters__without_the_role__reverts() public {
        address[2] memory others = [guardian, address(this)];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IAdministration.MissingRole.selector, others[i], Roles.PARAMETERS));
            center.setParameters(defaultParameters());
        }
    }

    function test_setParameters__limits__are_allowed() public {
        set(IAttestationCenter.Parameters(1, 1, 0, 0, 0));
        set(IAttestationCenter.Parameters(128, type(uint32).max, 10_000, 10_000, 10_000));
    }

    function test_setParameters__beyond_a_limit__reverts() public {
        expectBad(IAttestationCenter.Parameters(0, 5, 1, 1, 1), "minOperators");
        expectBad(IAttestationCenter.Parameters(129, 5, 1, 1, 1), "minOperators");
        expectBad(IAttestationCenter.Parameters(3, 0, 1, 1, 1), "turnBlocks");
        expectBad(IAttestationCenter.Parameters(3, 5, 10_001, 1, 1), "guiltySlashBps");
        expectBad(IAttestationCenter.Parameters(3, 5, 1, 10_001, 1), "conflictSlashBps");
        expectBad(IAttestationCenter.Parameters(3, 5, 1, 1, 10_001), "overturnedSlashBps");
    }

    // ---- steps

    function set(IAttestationCenter.Parameters memory next) private {
        vm.prank(timelock);
        center.setParameters(next);
    }

    function expectBad(IAttestationCenter.Parameters memory next, string memory name) private {
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IAttestationCenter.BadParameter.selector, name));
        center.setParameters(next);
    }
}
