// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

import {Timelock} from "../../src/Timelock.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {OperatorStatus} from "../../src/types/Types.sol";
import {GovernanceTest} from "../support/GovernanceTest.sol";

/// @dev The timelock as the admin of a deployment with closed registration.
contract TimelockTest is GovernanceTest {
    uint256 private constant DELAY = 2 days;
    uint256 private constant START = 1_700_000_000;

    Timelock private controller;
    address private proposer = makeAddress("proposer");
    address private executor = makeAddress("executor");

    function setUp() public override {
        vm.warp(START);
        controller = new Timelock(DELAY, one(proposer), one(executor));
        timelock = address(controller);
        deployGround();
        wire(address(1), address(0), false);
    }

    function test_timelock__no_admin_but_itself() public {
        bytes32 adminRole = controller.DEFAULT_ADMIN_ROLE();
        assertTrue(controller.hasRole(adminRole, address(controller)), "itself");
        assertEq(controller.getMinDelay(), DELAY);
        bytes32 proposerRole = controller.PROPOSER_ROLE();
        address[4] memory accounts = [address(this), proposer, executor, address(0)];
        for (uint256 i = 0; i < accounts.length; ++i) {
            assertFalse(controller.hasRole(adminRole, accounts[i]), "admin");
            vm.prank(accounts[i]);
            vm.expectRevert(
                abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, accounts[i], adminRole)
            );
            controller.grantRole(proposerRole, accounts[i]);
        }
    }

    function test_timelock__delayed_admission__lets_an_operator_in() public {
        bytes memory data = abi.encodeCall(governance.admit, (ownerAt(0)));
        expectRegisterRefused(
            registrationOf(governance, 0, STAKE),
            abi.encodeWithSelector(IAvsGovernance.NotAdmitted.selector, ownerAt(0))
        );
        schedule(data);
        bytes memory notReady = abi.encodeWithSelector(
            TimelockController.TimelockUnexpectedOperationState.selector,
            controller.hashOperation(address(governance), 0, data, 0, 0),
            bytes32(2 ** uint256(TimelockController.OperationState.Ready))
        );
        vm.warp(START + DELAY - 1);
        vm.prank(executor);
        vm.expectRevert(notReady);
        controller.execute(address(governance), 0, data, 0, 0);
        assertFalse(governance.isAdmitted(ownerAt(0)), "too early");

        vm.warp(START + DELAY);
        vm.prank(executor);
        controller.execute(address(governance), 0, data, 0, 0);
        register(0, STAKE);
        checkStatus(0, OperatorStatus.ACTIVE);
    }

    function test_timelock__members__cannot_act_alone() public {
        address[3] memory accounts = [proposer, executor, address(this)];
        for (uint256 i = 0; i < accounts.length; ++i) {
            expectMissingRole(accounts[i], "ADMISSION_ROLE");
            vm.prank(accounts[i]);
            governance.admit(accounts[i]);
        }
        bytes memory data = abi.encodeCall(governance.admit, (executor));
        bytes32 role = controller.PROPOSER_ROLE();
        vm.prank(executor);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, executor, role)
        );
        controller.schedule(address(governance), 0, data, 0, 0, DELAY);
        bytes4 selector = TimelockController.TimelockInsufficientDelay.selector;
        vm.prank(proposer);
        vm.expectRevert(abi.encodeWithSelector(selector, DELAY - 1, DELAY));
        controller.schedule(address(governance), 0, data, 0, 0, DELAY - 1);
    }

    // ---- steps

    function schedule(bytes memory data) private {
        vm.prank(proposer);
        controller.schedule(address(governance), 0, data, 0, 0, DELAY);
    }

    function one(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }
}
