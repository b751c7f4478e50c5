// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Operator, Registration, SealedSet} from "../types/Types.sol";

/// @title Operators, their stake and the sealed sets that tasks use.
interface IAvsGovernance {
    /// @notice Register an operator. The caller becomes its owner, and only the owner can withdraw the stake.
    /// @dev With the coin as stake token, msg.value must equal `stake`; with an ERC-20, the received amount must.
    function registerOperator(Registration calldata registration) external payable returns (uint8 slot);

    /// @notice Add to an active operator's stake. Anyone may pay. Counts from the next sealed set.
    function increaseStake(address operator, uint96 amount) external payable;

    /// @notice Start to leave. Operator's owner only. The key stays in sets that are already sealed.
    function deregisterOperator(address operator) external;

    /// @notice Pay the whole stake to `to`. Operator's owner only. Possible `unbondingBlocks` after the first seal
    ///         without the operator; at once if it left before any seal.
    function completeDeregistration(address operator, address to) external;

    /// @notice Remove an operator from later sets. It keeps its stake. Contract owner (the timelock) only.
    function eject(address operator) external;

    /// @notice Seal the active operators as the next version. Anyone may call, and pays the gas.
    /// @dev Possible once an epoch, and at once after an operator left.
    function sealOperatorSet() external returns (uint32 version);

    /// @notice Return the latest sealed version; 0 before the first seal.
    function latestVersion() external view returns (uint32);

    function sealedSet(uint32 version) external view returns (SealedSet memory);

    function getOperator(address operator) external view returns (Operator memory);

    function rewardsReceiverOf(address operator) external view returns (address);

    event OperatorRegistered(
        address indexed operator, address indexed owner, uint8 slot, bytes blsKey, uint96 stake, address rewardsReceiver
    );
    event OperatorStakeIncreased(address indexed operator, uint96 amount, uint96 stake);
    event OperatorDeregistered(address indexed operator);
    event OperatorEjected(address indexed operator);
    event OperatorExited(address indexed operator, address to, uint96 stake);
    event OperatorSetSealed(uint32 indexed version, address pointer, uint8 count, uint96 totalStake);

    error BadPossession();
    error KeyAlreadyRegistered(bytes32 keyHash);
    error OperatorAlreadyRegistered(address operator);
    error NotOperatorOwner(address caller);
    error OperatorNotActive(address operator);
    error OperatorNotLeaving(address operator);
    error StakeTooSmall(uint96 stake, uint96 minimum);
    error WrongValue(uint256 received, uint256 expected);
    error NoFreeSlot();
    error NoOperators();
    error SealedTooRecently(uint64 nextBlock);
    error StillUnbonding(uint64 untilBlock);
    error UnbondingTooShort(uint64 blocks, uint256 minimum);
    error ZeroAddress();
    error TransferFailed();
}
