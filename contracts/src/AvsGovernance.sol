// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IAdministration} from "./interfaces/IAdministration.sol";
import {IAttestationCenter} from "./interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "./interfaces/IAvsGovernance.sol";
import {IAvsGovernanceLogic} from "./interfaces/IAvsGovernanceLogic.sol";
import {ISignatureVerifier} from "./interfaces/ISignatureVerifier.sol";
import {MAX_TASK_BLOCKS} from "./libraries/Attempts.sol";
import {Digests} from "./libraries/Digests.sol";
import {Hooks} from "./libraries/Hooks.sol";
import {Operators} from "./libraries/Operators.sol";
import {Registrations} from "./libraries/Registrations.sol";
import {Roles} from "./libraries/Roles.sol";
import {SealedSets} from "./libraries/SealedSets.sol";
import {StakeCredits} from "./libraries/StakeCredits.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {Operator, OperatorStatus, Registration, SealedSet} from "./types/Types.sol";

/// @title Operators, their stake and the sealed sets that tasks use. `Operators` draws the states of an operator.
/// @dev Its balance is the stakes in all slots, the credits and the pot. A signing address and a BLS key register once,
///      so an old set always names one operator.
contract AvsGovernance is IAvsGovernance, EIP712, ReentrancyGuardTransient {
    using Hooks for IAvsGovernanceLogic;
    using Operators for Operators.State;
    using Registrations for Operators.State;
    using SealedSets for SealedSets.State;
    using StakeCredits for StakeCredits.State;

    IAdministration public immutable administration;
    IAttestationCenter public immutable attestationCenter;
    ISignatureVerifier public immutable verifier;
    address public immutable stakeToken; // zero: the chain's own coin
    uint96 public immutable minStake;
    uint64 public immutable epochBlocks;
    uint64 public immutable unbondingBlocks;
    uint64 public immutable activationDelay;

    Operators.State private _operators;
    SealedSets.State private _sets;
    StakeCredits.State private _credits;
    bool public isRegistrationOpen;
    IAvsGovernanceLogic public logic;
    mapping(address owner => bool) public isAdmitted;

    modifier onlyRole(bytes32 role) {
        administration.requireRole(role, msg.sender);
        _;
    }

    modifier onlyCenter() {
        if (msg.sender != address(attestationCenter)) revert NotAttestationCenter(msg.sender);
        _;
    }

    modifier onlyOwnerOf(address operator) {
        if (_operators.records[operator].owner != msg.sender) revert NotOperatorOwner(msg.sender);
        _;
    }

    /// @dev `attestationCenter_` may still be without code.
    constructor(
        IAdministration administration_,
        IAttestationCenter attestationCenter_,
        ISignatureVerifier verifier_,
        // slither-disable-next-line missing-zero-check Zero is the chain's own coin.
        address stakeToken_,
        Limits memory limits,
        bool isRegistrationOpen_
    ) EIP712(Digests.DOMAIN_NAME, Digests.DOMAIN_VERSION) {
        // Operators without stake could form a set without stake.
        if (limits.minStake == 0) revert StakeTooSmall(0, 1);
        uint256 leastUnbonding = 2 * MAX_TASK_BLOCKS;
        if (limits.unbondingBlocks < leastUnbonding) revert UnbondingTooShort(limits.unbondingBlocks, leastUnbonding);
        administration = administration_;
        attestationCenter = attestationCenter_;
        verifier = verifier_;
        stakeToken = stakeToken_;
        minStake = limits.minStake;
        epochBlocks = limits.epochBlocks;
        unbondingBlocks = limits.unbondingBlocks;
        activationDelay = limits.activationDelay;
        isRegistrationOpen = isRegistrationOpen_;
    }

    // ---- operators' owners

    /// @inheritdoc IAvsGovernance
    function registerOperator(Registration calldata registration) external payable nonReentrant returns (uint8 slot) {
        administration.requireRunning();
        address operator = registration.signingKey;
        if (operator == address(0) || registration.rewardsReceiver == address(0)) revert ZeroAddress();
        if (registration.stake < minStake) revert StakeTooSmall(registration.stake, minStake);
        _useAdmission();
        _operators.take(registration, _domainSeparatorV4(), verifier);
        logic.beforeRegistered(operator, msg.sender, registration.stake);
        slot = _operators.enter(registration, activationDelay, uint40(attestationCenter.settlementCount()));
        Tokens.collect(stakeToken, registration.stake);
        logic.afterRegistered(operator, msg.sender, registration.stake);
    }

    /// @inheritdoc IAvsGovernance
    function increaseStake(address operator, uint96 amount) external payable nonReentrant {
        _operators.requireIn(operator);
        uint96 stake = _operators.increase(operator, amount);
        emit OperatorStakeIncreased(operator, amount, stake);
        Tokens.collect(stakeToken, amount);
    }

    /// @inheritdoc IAvsGovernance
    function rotateSigningKey(address operator, address signingKey, bytes calldata blsKey, bytes calldata consent)
        external
        nonReentrant
        onlyOwnerOf(operator)
    {
        _operators.requireIn(operator);
        bytes32 keyHash = _operators.requireKey(operator, blsKey);
        _operators.requireConsent(signingKey, keyHash, consent, _domainSeparatorV4());
        _operators.rotate(operator, signingKey);
        emit SigningKeyRotated(operator, signingKey);
    }

    /// @inheritdoc IAvsGovernance
    function setRewardsReceiver(address operator, address receiver) external onlyOwnerOf(operator) {
        if (receiver == address(0)) revert ZeroAddress();
        _operators.receivers[operator] = receiver;
        emit RewardsReceiverChanged(operator, receiver);
    }

    /// @inheritdoc IAvsGovernance
    function transferOwner(address operator, address newOwner) external onlyOwnerOf(operator) {
        _operators.offeredTo[operator] = newOwner;
        emit OperatorOwnerOffered(operator, newOwner);
    }

    /// @inheritdoc IAvsGovernance
    function acceptOwner(address operator) external {
        _operators.acceptOwner(operator);
        emit OperatorOwnerChanged(operator, msg.sender);
    }

    /// @inheritdoc IAvsGovernance
    function deregisterOperator(address operator) external nonReentrant onlyOwnerOf(operator) {
        _operators.requireIn(operator);
        _leave(operator, OperatorStatus.EXITING);
        emit OperatorDeregistered(operator);
    }

    /// @inheritdoc IAvsGovernance
    function unjail(address operator) external nonReentrant onlyOwnerOf(operator) {
        uint40 activeFrom = _operators.rejoin(operator, activationDelay, minStake);
        emit OperatorUnjailed(operator, activeFrom);
    }

    /// @inheritdoc IAvsGovernance
    function completeDeregistration(address operator, address to) external nonReentrant onlyOwnerOf(operator) {
        if (to == address(0)) revert ZeroAddress();
        uint96 stake = _exit(operator, to);
        Tokens.pay(stakeToken, to, stake);
    }

    // ---- anyone

    /// @inheritdoc IAvsGovernance
    function releaseSlot(address operator) external nonReentrant {
        address owner = _operators.records[operator].owner;
        _credits.credit(owner, _exit(operator, owner));
    }

    /// @inheritdoc IAvsGovernance
    function sealOperatorSet() external nonReentrant returns (uint32 version) {
        version = _sets.seal(_operators, epochBlocks);
        logic.afterSealed(version);
    }

    /// @inheritdoc IAvsGovernance
    function withdraw(address to) external nonReentrant returns (uint256 amount) {
        amount = _credits.take(to);
        Tokens.pay(stakeToken, to, amount);
    }

    // ---- AttestationCenter

    /// @inheritdoc IAvsGovernance
    function slash(address signer, uint16 bps, bytes32 caseId, bool isJailed)
        external
        onlyCenter
        nonReentrant
        returns (uint96 amount)
    {
        address operator = _operators.idOf(signer);
        if (!_operators.openCase(operator, caseId)) return 0;
        uint96 stake;
        (amount, stake) = _operators.cut(operator, bps);
        _credits.pot += amount;
        emit OperatorSlashed(operator, caseId, amount, stake);
        if (_operators.isActive(operator) && (isJailed || stake < minStake)) {
            _leave(operator, OperatorStatus.JAILED);
            emit OperatorJailed(operator);
        }
    }

    /// @inheritdoc IAvsGovernance
    function payFromPot(address account, uint96 amount) external onlyCenter {
        _credits.creditFromPot(account, amount);
    }

    // ---- roles

    /// @inheritdoc IAvsGovernance
    function admit(address owner) external onlyRole(Roles.ADMISSION) {
        isAdmitted[owner] = true;
        emit OperatorAdmitted(owner);
    }

    /// @inheritdoc IAvsGovernance
    function expel(address owner) external onlyRole(Roles.ADMISSION) {
        isAdmitted[owner] = false;
        emit OperatorExpelled(owner);
    }

    /// @inheritdoc IAvsGovernance
    function setRegistrationOpen(bool isOpen) external onlyRole(Roles.ADMISSION) {
        isRegistrationOpen = isOpen;
        emit RegistrationOpened(isOpen);
    }

    /// @inheritdoc IAvsGovernance
    function eject(address operator) external nonReentrant onlyRole(Roles.ADMISSION) {
        _operators.requireIn(operator);
        _leave(operator, OperatorStatus.EJECTED);
        emit OperatorEjected(operator);
    }

    /// @inheritdoc IAvsGovernance
    function setLogic(IAvsGovernanceLogic next) external onlyRole(Roles.PARAMETERS) {
        logic = next;
        emit LogicChanged(address(next));
    }

    // ---- steps of the above

    function _useAdmission() private {
        if (isRegistrationOpen) return;
        if (!isAdmitted[msg.sender]) revert NotAdmitted(msg.sender);
        isAdmitted[msg.sender] = false;
    }

    function _leave(address operator, OperatorStatus status) private {
        _operators.depart(operator, status, _sets.latest);
        _sets.isDue = true;
        logic.afterLeft(operator);
    }

    function _exit(address operator, address to) private returns (uint96 stake) {
        uint64 untilBlock = _sets.unbondedAt(_operators.lastVersionOf(operator), unbondingBlocks);
        stake = _operators.exit(operator, untilBlock);
        emit OperatorExited(operator, to, stake);
    }

    // ---- readers

    /// @inheritdoc IAvsGovernance
    function sealedSet(uint32 version) external view returns (SealedSet memory) {
        return _sets.versions[version];
    }

    /// @inheritdoc IAvsGovernance
    function getOperator(address operator) external view returns (Operator memory) {
        return _operators.view_(operator);
    }

    /// @inheritdoc IAvsGovernance
    function operatorOf(address signingKey) external view returns (address) {
        return _operators.idOf(signingKey);
    }

    /// @inheritdoc IAvsGovernance
    function rewardsReceiverOf(address signingKey) external view returns (address) {
        return _operators.receiverOf(_operators.idOf(signingKey));
    }

    /// @inheritdoc IAvsGovernance
    function latestVersion() external view returns (uint32) {
        return _sets.latest;
    }

    /// @inheritdoc IAvsGovernance
    function creditOf(address account) external view returns (uint256) {
        return _credits.creditOf[account];
    }

    /// @inheritdoc IAvsGovernance
    function pot() external view returns (uint256) {
        return _credits.pot;
    }
}
