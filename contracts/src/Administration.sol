// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";

import {IAdministration} from "./interfaces/IAdministration.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title Roles and the pause of one deployment.
/// @dev A hostile guardian can stop new work for half of the time. It cannot stop what brings money out, and a deadline
///      that passes during a pause returns the contributor's bond.
contract Administration is IAdministration, AccessControlDefaultAdminRules {
    uint64 public constant MAX_PAUSE = 7 days;
    uint64 public constant COOLDOWN = 7 days;

    /// @inheritdoc IAdministration
    uint64 public pausedUntil;

    constructor(address timelock, address guardian, uint48 transferDelay)
        AccessControlDefaultAdminRules(transferDelay, timelock)
    {
        _grantRole(Roles.ADMISSION, timelock);
        _grantRole(Roles.PARAMETERS, timelock);
        _grantRole(Roles.GUARDIAN, guardian);
    }

    /// @inheritdoc IAdministration
    function pause() external {
        requireRole(Roles.GUARDIAN, msg.sender);
        uint64 possibleFrom = pausedUntil == 0 ? 0 : pausedUntil + COOLDOWN;
        // forge-lint: disable-next-line(block-timestamp) Seven days; a proposer can shift it by seconds.
        if (block.timestamp < possibleFrom) revert PausedTooRecently(possibleFrom);
        pausedUntil = uint64(block.timestamp) + MAX_PAUSE;
        emit Paused(msg.sender, pausedUntil);
    }

    /// @inheritdoc IAdministration
    function unpause() external {
        if (msg.sender != defaultAdmin()) requireRole(Roles.GUARDIAN, msg.sender);
        if (!isPaused()) return;
        pausedUntil = uint64(block.timestamp);
        emit Unpaused(msg.sender);
    }

    /// @inheritdoc IAdministration
    function requireRunning() external view {
        if (isPaused()) revert PausedUntil(pausedUntil);
    }

    /// @inheritdoc IAdministration
    function requireRole(bytes32 role, address account) public view {
        if (!hasRole(role, account)) revert MissingRole(account, role);
    }

    /// @inheritdoc IAdministration
    function isPaused() public view returns (bool) {
        // forge-lint: disable-next-line(block-timestamp) As in `pause`.
        return block.timestamp < pausedUntil;
    }
}
