// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Roles and the pause of one deployment. All contracts ask this one.
/// @dev The default admin (the timelock) grants and revokes roles; OpenZeppelin's AccessControl has the calls. Changing
///      the admin takes two steps.
interface IAdministration {
    /// @notice Stop registerOperator, createProject, commit, openTask and submitTask for at most seven days.
    ///         GUARDIAN_ROLE only; seven days must have passed since the last pause ended.
    function pause() external;

    /// @notice End the pause now. GUARDIAN_ROLE or the default admin.
    function unpause() external;

    /// @notice Revert with `PausedUntil` during a pause.
    function requireRunning() external view;

    /// @notice Revert with `MissingRole` unless the account has the role.
    function requireRole(bytes32 role, address account) external view;

    function isPaused() external view returns (bool);

    /// @notice Return the time at which the last pause ends or ended, in Unix seconds.
    function pausedUntil() external view returns (uint64);

    event Paused(address indexed guardian, uint64 until);
    event Unpaused(address indexed account);

    error PausedUntil(uint64 until);
    error PausedTooRecently(uint64 possibleFrom);
    error MissingRole(address account, bytes32 role);
}
