// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title An optional hook that the timelock may set at AvsGovernance.
/// @dev Each call gets a bounded amount of gas. A revert of `beforeOperatorRegistered` refuses the registration. A
///      failure of any other call changes nothing: no hook can keep an operator from leaving.
interface IAvsGovernanceLogic {
    function beforeOperatorRegistered(address operator, address owner, uint96 stake) external;

    function afterOperatorRegistered(address operator, address owner, uint96 stake) external;

    /// @notice The operator asked to leave, was ejected or was jailed.
    function afterOperatorLeft(address operator) external;

    function afterSetSealed(uint32 version) external;
}
