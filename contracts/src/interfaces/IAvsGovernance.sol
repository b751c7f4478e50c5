// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Operator, Registration, SealedSet} from "../types/Types.sol";
import {IAdministration} from "./IAdministration.sol";
import {IAttestationCenter} from "./IAttestationCenter.sol";
import {IAvsGovernanceLogic} from "./IAvsGovernanceLogic.sol";
import {ISignatureVerifier} from "./ISignatureVerifier.sol";

/// @title Operators, their stake and the sealed sets that tasks use.
interface IAvsGovernance {
    /// @dev What is decided at deployment.
    struct Limits {
        uint96 minStake;
        uint64 epochBlocks; // minimum between two seals, unless an operator left
        uint64 unbondingBlocks; // from the first seal without an operator to the release of its stake
        uint64 activationDelay; // from an operator's registration to the first set that may hold it
    }

    // ---- operators' owners

    /// @notice Register an operator. The caller becomes its owner, and only the owner can withdraw the stake.
    /// @dev Needs an admission, which it uses up, unless registration is open. With the coin as stake token, msg.value
    ///      must equal `stake`; with an ERC-20, the received amount must. A BLS key and a signing address register once
    ///      for ever. Refused during a pause, and if the hook refuses.
    function registerOperator(Registration calldata registration) external payable returns (uint8 slot);

    /// @notice Add to an operator's stake while it is ACTIVE or JAILED. Anyone may pay. Counts from the next set.
    function increaseStake(address operator, uint96 amount) external payable;

    /// @notice Replace the signing address. Owner only. Counts from the next set; sealed sets keep the old address.
    /// @param consent 65-byte ECDSA of the new address over `SigningConsent`, with the operator's owner and BLS key.
    function rotateSigningKey(address operator, address signingKey, bytes calldata blsKey, bytes calldata consent)
        external;

    /// @notice Set where fees are credited. Owner only.
    function setRewardsReceiver(address operator, address receiver) external;

    /// @notice Offer an operator to a new owner. Owner only. Ownership moves when the new owner accepts.
    function transferOwner(address operator, address newOwner) external;

    /// @notice Take over an operator that was offered to the caller.
    function acceptOwner(address operator) external;

    /// @notice Start to leave. Owner only. The key stays in sets that are already sealed.
    function deregisterOperator(address operator) external;

    /// @notice Bring a jailed operator back once its stake is the minimum or more. Owner only. It counts again from the
    ///         first set sealed `activationDelay` later.
    function unjail(address operator) external;

    /// @notice Pay the whole stake to `to`. Owner only. Possible `unbondingBlocks` after the first seal without the
    ///         operator; at once if it left before any seal.
    function completeDeregistration(address operator, address to) external;

    // ---- anyone

    /// @notice Free the slot of an operator that may leave, and credit its stake to its owner. Anyone may call.
    function releaseSlot(address operator) external;

    /// @notice Seal the active operators as the next version. Anyone may call, and pays the gas.
    /// @dev Possible once an epoch, and at once after an operator left.
    function sealOperatorSet() external returns (uint32 version);

    /// @notice Pay the caller's credit in the stake token to `to`.
    function withdraw(address to) external returns (uint256 amount);

    // ---- AttestationCenter only

    /// @notice Take `bps` of an operator's stake, once for each case. `signer`: its address in a sealed set.
    /// @dev The operator is jailed if `isJailed`, or if less than the minimum is left. What is taken waits in a pot.
    /// @return amount What was taken; 0 for an operator that has left, and for a case that was slashed before.
    function slash(address signer, uint16 bps, bytes32 caseId, bool isJailed) external returns (uint96 amount);

    /// @notice Credit a part of the pot of slashed stake.
    function payFromPot(address account, uint96 amount) external;

    // ---- ADMISSION_ROLE

    /// @notice Allow an account to register one operator.
    function admit(address owner) external;

    /// @notice Take back an admission that was not used.
    function expel(address owner) external;

    /// @notice Let anyone register, or admitted accounts only.
    function setRegistrationOpen(bool isOpen) external;

    /// @notice Remove an operator from later sets. It keeps its stake.
    function eject(address operator) external;

    // ---- PARAMETERS_ROLE

    /// @notice Set the hook; zero removes it.
    function setLogic(IAvsGovernanceLogic logic) external;

    // ---- readers

    /// @notice Return the latest sealed version; 0 before the first seal.
    function latestVersion() external view returns (uint32);

    function sealedSet(uint32 version) external view returns (SealedSet memory);

    function getOperator(address operator) external view returns (Operator memory);

    /// @notice Return the operator that a signing address belongs or belonged to; the address itself if there is none.
    function operatorOf(address signingKey) external view returns (address operator);

    /// @notice Return where the fees of the operator with this signing address are credited.
    function rewardsReceiverOf(address signingKey) external view returns (address);

    function isAdmitted(address owner) external view returns (bool);

    function isRegistrationOpen() external view returns (bool);

    /// @notice Return the amount of the stake token that the account can withdraw.
    function creditOf(address account) external view returns (uint256);

    /// @notice Return slashed stake that is not yet credited to anyone.
    function pot() external view returns (uint256);

    function unbondingBlocks() external view returns (uint64);

    function administration() external view returns (IAdministration);

    function attestationCenter() external view returns (IAttestationCenter);

    function verifier() external view returns (ISignatureVerifier);

    /// @notice Return the token of all stakes; zero is the chain's own coin.
    function stakeToken() external view returns (address);

    event OperatorAdmitted(address indexed owner);
    event OperatorExpelled(address indexed owner);
    event RegistrationOpened(bool isOpen);
    event OperatorRegistered(
        address indexed operator,
        address indexed owner,
        uint8 slot,
        bytes blsKey,
        uint96 stake,
        address rewardsReceiver,
        uint64 activeFrom
    );
    event OperatorStakeIncreased(address indexed operator, uint96 amount, uint96 stake);
    event SigningKeyRotated(address indexed operator, address indexed signingKey);
    event RewardsReceiverChanged(address indexed operator, address rewardsReceiver);
    event OperatorOwnerOffered(address indexed operator, address indexed newOwner);
    event OperatorOwnerChanged(address indexed operator, address indexed owner);
    event OperatorDeregistered(address indexed operator);
    event OperatorEjected(address indexed operator);
    event OperatorSlashed(address indexed operator, bytes32 indexed caseId, uint96 amount, uint96 stake);
    event OperatorJailed(address indexed operator);
    event OperatorUnjailed(address indexed operator, uint64 activeFrom);
    event OperatorExited(address indexed operator, address to, uint96 stake);
    event OperatorSetSealed(uint32 indexed version, address pointer, uint8 count, uint96 totalStake);
    event StakeCredited(address indexed account, uint256 amount);
    event StakeWithdrawn(address indexed account, address to, uint256 amount);
    // slither-disable-next-line unindexed-event-address A rare change: nobody searches by the address.
    event LogicChanged(address logic);
    event LogicFailed(bytes4 call);

    error NotAdmitted(address owner);
    error BadPossession();
    error BadConsent(address signingKey);
    error KeyAlreadyRegistered(bytes32 keyHash);
    error WrongKey(bytes32 keyHash);
    error OperatorAlreadyRegistered(address operator);
    error NotOperatorOwner(address caller);
    error NotAttestationCenter(address caller);
    error NotOffered(address caller);
    error OperatorNotActive(address operator);
    error OperatorNotJailed(address operator);
    error OperatorNotLeaving(address operator);
    error StakeTooSmall(uint96 stake, uint96 minimum);
    error NoFreeSlot();
    error NoOperators();
    error SealedTooRecently(uint64 nextBlock);
    error StillUnbonding(uint64 untilBlock);
    error UnbondingTooShort(uint64 blocks, uint256 minimum);
    error NothingToWithdraw();
    error ZeroAddress();
}
