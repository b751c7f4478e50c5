// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    IAccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/IAccessControlDefaultAdminRules.sol";
import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {Administration} from "../../src/Administration.sol";
import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {Roles} from "../../src/libraries/Roles.sol";
import {Test} from "../support/Test.sol";

/// @dev Times are constants: with them, the compiler cannot keep a timestamp from before a `vm.warp`.
contract AdministrationTest is Test {
    uint48 private constant START = 1_700_000_000;
    uint64 private constant UNTIL = START + 7 days;
    uint48 private constant TRANSFER_DELAY = 3 days;

    address private timelock = makeAddress("timelock");
    address private guardian = makeAddress("guardian");
    address private stranger = makeAddress("stranger");
    Administration private administration;

    function setUp() public {
        vm.warp(START);
        administration = new Administration(timelock, guardian, TRANSFER_DELAY);
    }

    // ---- roles

    function test_roles__names__as_documented() public pure {
        assertEq(Roles.ADMISSION, keccak256("ADMISSION_ROLE"));
        assertEq(Roles.PARAMETERS, keccak256("PARAMETERS_ROLE"));
        assertEq(Roles.GUARDIAN, keccak256("GUARDIAN_ROLE"));
    }

    function test_constructor__any__grants_each_role_once() public view {
        assertEq(administration.defaultAdmin(), timelock);
        assertEq(administration.defaultAdminDelay(), TRANSFER_DELAY);
        checkRoles(timelock, true, true, false);
        checkRoles(guardian, false, false, true);
        checkRoles(address(this), false, false, false); // the deployer keeps none
        assertFalse(administration.isPaused(), "running");
        assertEq(administration.pausedUntil(), 0);
    }

    function test_requireRole__without_it__reverts() public {
        administration.requireRole(Roles.GUARDIAN, guardian);
        expectMissingRole(guardian, Roles.ADMISSION);
        administration.requireRole(Roles.ADMISSION, guardian);
        expectMissingRole(stranger, Roles.GUARDIAN);
        administration.requireRole(Roles.GUARDIAN, stranger);
    }

    function test_grantRole__admin__another_guardian() public {
        vm.prank(timelock);
        administration.grantRole(Roles.GUARDIAN, stranger);
        vm.prank(timelock);
        administration.revokeRole(Roles.GUARDIAN, guardian);
        expectMissingRole(guardian, Roles.GUARDIAN);
        vm.prank(guardian);
        administration.pause();
        vm.prank(stranger);
        administration.pause();
        assertTrue(administration.isPaused(), "paused");
    }

    function test_grantRole__others__reverts() public {
        bytes memory reason =
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, guardian, bytes32(0));
        vm.prank(guardian);
        vm.expectRevert(reason);
        administration.grantRole(Roles.ADMISSION, guardian);
    }

    // ---- pause

    function test_pause__guardian__seven_days() public {
        administration.requireRunning();
        vm.expectEmit(address(administration));
        emit IAdministration.Paused(guardian, UNTIL);
        pauseAt(START);
        assertEq(administration.pausedUntil(), UNTIL);
        checkPausedAt(START, true);
        checkPausedAt(UNTIL - 1, true);
        checkPausedAt(UNTIL, false);
    }

    function test_pause__others__reverts() public {
        address[2] memory callers = [timelock, stranger];
        for (uint256 i = 0; i < callers.length; ++i) {
            expectMissingRole(callers[i], Roles.GUARDIAN);
            vm.prank(callers[i]);
            administration.pause();
        }
    }

    function test_pause__first_within_seven_days_of_time_zero__allowed() public {
        // A test network may start its clock at zero. Before the first pause there is none to wait for.
        vm.warp(1);
        pauseAt(1);
        assertEq(administration.pausedUntil(), 1 + 7 days);
    }

    function test_pause__during_a_pause__cannot_prolong_it() public {
        pauseAt(START);
        expectTooRecent(UNTIL - 1, UNTIL + 7 days);
        assertEq(administration.pausedUntil(), UNTIL);
    }

    function test_pause__again__seven_days_after_the_end() public {
        pauseAt(START);
        expectTooRecent(UNTIL + 7 days - 1, UNTIL + 7 days);
        pauseAt(UNTIL + 7 days);
        assertEq(administration.pausedUntil(), UNTIL + 14 days);
    }

    function test_pause__ended_early__cooldown_from_the_actual_end() public {
        pauseAt(START);
        unpauseAt(START + 1 days, guardian);
        expectTooRecent(START + 8 days - 1, START + 8 days);
        pauseAt(START + 8 days);
        assertEq(administration.pausedUntil(), START + 15 days);
    }

    // ---- unpause

    function test_unpause__guardian_or_admin__ends_it_now() public {
        address[2] memory callers = [guardian, timelock];
        uint64 start = START;
        for (uint256 i = 0; i < callers.length; ++i) {
            pauseAt(start);
            vm.expectEmit(address(administration));
            emit IAdministration.Unpaused(callers[i]);
            unpauseAt(start + 1, callers[i]);
            assertEq(administration.pausedUntil(), start + 1);
            checkPausedAt(start + 1, false);
            start += 30 days;
        }
    }

    function test_unpause__others__reverts() public {
        pauseAt(START);
        expectMissingRole(stranger, Roles.GUARDIAN);
        vm.prank(stranger);
        administration.unpause();
        assertTrue(administration.isPaused(), "paused");
    }

    function test_unpause__not_paused__changes_nothing() public {
        // Else a guardian could move the end of a pause, and with it the cooldown.
        vm.recordLogs();
        unpauseAt(START, guardian);
        assertEq(administration.pausedUntil(), 0);
        assertEq(vm.getRecordedLogs().length, 0);

        pauseAt(START);
        unpauseAt(UNTIL, guardian);
        unpauseAt(UNTIL + 1 days, timelock);
        assertEq(administration.pausedUntil(), UNTIL);
        pauseAt(UNTIL + 7 days);
    }

    // ---- a new admin, in two steps

    function test_transfer__accepted_after_the_delay__new_admin() public {
        uint48 acceptableAt = START + TRANSFER_DELAY;
        vm.prank(timelock);
        administration.beginDefaultAdminTransfer(stranger);
        assertEq(administration.defaultAdmin(), timelock);

        vm.warp(acceptableAt);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControlDefaultAdminRules.AccessControlEnforcedDefaultAdminDelay.selector, acceptableAt
            )
        );
        administration.acceptDefaultAdminTransfer();
        vm.warp(acceptableAt + 1);
        vm.prank(stranger);
        administration.acceptDefaultAdminTransfer();
        assertEq(administration.defaultAdmin(), stranger);

        vm.warp(START + 30 days);
        pauseAt(START + 30 days);
        expectMissingRole(timelock, Roles.GUARDIAN); // no longer the admin
        vm.prank(timelock);
        administration.unpause();
        unpauseAt(START + 31 days, stranger);
        assertFalse(administration.isPaused(), "running");
    }

    function test_transfer__not_accepted_by_the_new_admin__stays() public {
        vm.prank(timelock);
        administration.beginDefaultAdminTransfer(stranger);
        vm.warp(START + 30 days);
        vm.prank(guardian);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControlDefaultAdminRules.AccessControlInvalidDefaultAdmin.selector, guardian)
        );
        administration.acceptDefaultAdminTransfer();
        assertEq(administration.defaultAdmin(), timelock);
    }

    function test_transfer__in_one_step__refused() public {
        vm.prank(timelock);
        vm.expectRevert(IAccessControlDefaultAdminRules.AccessControlEnforcedDefaultAdminRules.selector);
        administration.grantRole(bytes32(0), stranger);
    }

    // ---- steps

    function pauseAt(uint64 time) private {
        vm.warp(time);
        vm.prank(guardian);
        administration.pause();
    }

    function unpauseAt(uint64 time, address caller) private {
        vm.warp(time);
        vm.prank(caller);
        administration.unpause();
    }

    function expectTooRecent(uint64 time, uint64 possibleFrom) private {
        vm.warp(time);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IAdministration.PausedTooRecently.selector, possibleFrom));
        administration.pause();
    }

    function expectMissingRole(address account, bytes32 role) private {
        vm.expectRevert(abi.encodeWithSelector(IAdministration.MissingRole.selector, account, role));
    }

    function checkPausedAt(uint64 time, bool isPaused) private {
        vm.warp(time);
        assertTrue(administration.isPaused() == isPaused, "isPaused");
        uint64 until = administration.pausedUntil();
        bytes memory reason = abi.encodeWithSelector(IAdministration.PausedUntil.selector, until);
        if (isPaused) vm.expectRevert(reason);
        administration.requireRunning();
    }

    function checkRoles(address account, bool admission, bool parameters, bool guards) private view {
        assertTrue(administration.hasRole(Roles.ADMISSION, account) == admission, "admission");
        assertTrue(administration.hasRole(Roles.PARAMETERS, account) == parameters, "parameters");
        assertTrue(administration.hasRole(Roles.GUARDIAN, account) == guards, "guardian");
    }
}
