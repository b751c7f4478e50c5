// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IAdministration} from "./interfaces/IAdministration.sol";
import {IAttestationCenter} from "./interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "./interfaces/IAvsGovernance.sol";
import {IAvsGovernanceLogic} from "./interfaces/IAvsGovernanceLogic.sol";
import {ISignatureVerifier} from "./interfaces/ISignatureVerifier.sol";
import {MAX_TASK_BLOCKS} from "./libraries/Attempts.sol";
import {Digests} from "./libraries/Digests.sol";
import {Hooks} from "./libraries/Hooks.sol";
import {OperatorSet} from "./libraries/OperatorSet.sol";
import {Operators} from "./libraries/Operators.sol";
import {Roles} from "./libraries/Roles.sol";
import {Tokens} from "./libraries/Tokens.sol";
import {Bits} from "./libraries/Bits.sol";
import {Operator, OperatorStatus, Registration, SealedSet} from "./types/Types.sol";

/// @title Operators, their stake and the sealed sets that tasks use. `Operators` draws the states of an operator.
/// @dev Its balance is the stakes in all slots, the credits and the pot. A signing address and a BLS key register once,
///      so an old set always names one operator.
contract AvsGovernance is IAvsGovernance, EIP712, ReentrancyGuardTransient {
    using Bits for uint128;
    using Hooks for IAvsGovernanceLogic;
    using Operators for Operators.State;

    IAdministration public immutable administration;
    IAttestationCenter public immutable attestationCenter;
    ISignatureVerifier public immutable verifier;
    address public immutable stakeToken; // zero: the chain's own coin
    uint96 public immutable minStake;
    uint64 public immutable epochBlocks;
    uint64 public immutable unbondingBlocks;
    uint64 public immutable activationDelay;

    Operators.State private _operators;
    mapping(uint32 version => SealedSet) private _sealedSets;
    mapping(bytes32 => bool) private _isSlashed; // by keccak256(operator, case)

    uint32 public latestVersion;
    bool private _isSealDue; // an operator left: the next seal need not wait for the epoch
    bool public isRegistrationOpen;
    IAvsGovernanceLogic public logic;
    mapping(address owner => bool) public isAdmitted;
    mapping(address account => uint256) public creditOf;
    uint256 public pot;

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
        bytes32 keyHash = _takeKey(registration);
        _requireFreshSigner(operator, keyHash, registration.consent);
        logic.beforeRegistered(operator, msg.sender, registration.stake);

        uint40 activeFrom = _activationBlock();
        slot = _operators.add(
            operator,
            Operators.Record({
                owner: msg.sender,
                status: OperatorStatus.ACTIVE,
                slot: 0,
                mark: activeFrom,
                firstSettlement: uint40(attestationCenter.settlementCount())
            }),
            OperatorSet.Entry(operator, registration.stake, OperatorSet.packKey(registration.blsKey))
        );
        if (registration.rewardsReceiver != msg.sender) _operators.receivers[operator] = registration.rewardsReceiver;
        _emitRegistered(registration, slot, activeFrom);
        Tokens.collect(stakeToken, registration.stake);
        logic.afterRegistered(operator, msg.sender, registration.stake);
    }

    /// @inheritdoc IAvsGovernance
    function increaseStake(address operator, uint96 amount) external payable nonReentrant {
        _requireIn(operator);
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
        _requireIn(operator);
        OperatorSet.Entry storage entry = _operators.entries[_operators.records[operator].slot];
        bytes32 keyHash = keccak256(blsKey);
        bytes32[3] memory key = OperatorSet.packKey(blsKey);
        if (keccak256(abi.encode(key)) != keccak256(abi.encode(entry.key))) revert WrongKey(keyHash);
        _requireFreshSigner(signingKey, keyHash, consent);

        _operators.rotated[signingKey] = operator;
        entry.operator = signingKey;
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
        if (_operators.offeredTo[operator] != msg.sender) revert NotOffered(msg.sender);
        delete _operators.offeredTo[operator];
        _operators.records[operator].owner = msg.sender;
        emit OperatorOwnerChanged(operator, msg.sender);
    }

    /// @inheritdoc IAvsGovernance
    function deregisterOperator(address operator) external nonReentrant onlyOwnerOf(operator) {
        _requireIn(operator);
        _leave(operator, OperatorStatus.EXITING);
        emit OperatorDeregistered(operator);
    }

    /// @inheritdoc IAvsGovernance
    function unjail(address operator) external nonReentrant onlyOwnerOf(operator) {
        Operators.Record storage record = _operators.records[operator];
        if (record.status != OperatorStatus.JAILED) revert OperatorNotJailed(operator);
        uint96 stake = _operators.entries[record.slot].stake;
        if (stake < minStake) revert StakeTooSmall(stake, minStake);
        uint40 activeFrom = _activationBlock();
        _operators.rejoin(operator, activeFrom);
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
        _credit(owner, _exit(operator, owner));
    }

    /// @inheritdoc IAvsGovernance
    function sealOperatorSet() external nonReentrant returns (uint32 version) {
        uint64 nextBlock = latestVersion == 0 ? 0 : _sealedSets[latestVersion].sealedAt + epochBlocks;
        if (!_isSealDue && block.number < nextBlock) revert SealedTooRecently(nextBlock);

        (bytes memory blob, uint128 occupied, uint96 totalStake) = _operators.encode();
        // The first set needs an operator. A later one may be empty, so that the last operators can get their stake.
        if (latestVersion == 0 && occupied == 0) revert NoOperators();
        version = ++latestVersion;
        _isSealDue = false;
        SealedSet memory set = SealedSet({
            pointer: OperatorSet.store(blob, occupied),
            sealedAt: uint40(block.number),
            count: uint8(occupied.count()),
            occupied: occupied,
            totalStake: totalStake
        });
        _sealedSets[version] = set;
        emit OperatorSetSealed(version, set.pointer, set.count, set.totalStake);
        logic.afterSealed(version);
    }

    /// @inheritdoc IAvsGovernance
    function withdraw(address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        amount = creditOf[msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        creditOf[msg.sender] = 0;
        emit StakeWithdrawn(msg.sender, to, amount);
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
        OperatorStatus status = _operators.records[operator].status;
        bytes32 id = keccak256(abi.encode(operator, caseId));
        if (status == OperatorStatus.NONE || status == OperatorStatus.EXITED || _isSlashed[id]) return 0;

        _isSlashed[id] = true;
        uint96 stake;
        (amount, stake) = _operators.cut(operator, bps);
        pot += amount;
        emit OperatorSlashed(operator, caseId, amount, stake);
        if (status == OperatorStatus.ACTIVE && (isJailed || stake < minStake)) {
            _leave(operator, OperatorStatus.JAILED);
            emit OperatorJailed(operator);
        }
    }

    /// @inheritdoc IAvsGovernance
    function payFromPot(address account, uint96 amount) external onlyCenter {
        pot -= amount;
        _credit(account, amount);
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
        _requireIn(operator);
        _leave(operator, OperatorStatus.EJECTED);
        emit OperatorEjected(operator);
    }

    /// @inheritdoc IAvsGovernance
    function setLogic(IAvsGovernanceLogic next) external onlyRole(Roles.PARAMETERS) {
        logic = next;
        emit LogicChanged(address(next));
    }

    // ---- readers

    /// @inheritdoc IAvsGovernance
    function sealedSet(uint32 version) external view returns (SealedSet memory) {
        return _sealedSets[version];
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

    // ---- steps of the above

    function _useAdmission() private {
        if (isRegistrationOpen) return;
        if (!isAdmitted[msg.sender]) revert NotAdmitted(msg.sender);
        isAdmitted[msg.sender] = false;
    }

    /// @dev The holder of the key must have signed this owner and this operator. A key computed from other keys fails
    ///      here. So does a registration copied from the mempool: the sender of the copy would otherwise own the
    ///      operator and its rewards.
    function _takeKey(Registration calldata registration) private returns (bytes32 keyHash) {
        keyHash = keccak256(registration.blsKey);
        if (_operators.isKeyTaken[keyHash]) revert KeyAlreadyRegistered(keyHash);
        _operators.isKeyTaken[keyHash] = true;

        bytes32 digest = Digests.possessionDigest(_domainSeparatorV4(), msg.sender, registration.signingKey, keyHash);
        if (!verifier.verifyPossession(registration.blsKey, digest, registration.possession)) revert BadPossession();
    }

    /// @dev Without its consent, anyone could register an operator's announced signing address and so lock it out.
    function _requireFreshSigner(address signingKey, bytes32 keyHash, bytes calldata consent) private view {
        if (_operators.isUsed(signingKey)) revert OperatorAlreadyRegistered(signingKey);
        bytes32 digest = Digests.consentDigest(_domainSeparatorV4(), msg.sender, keyHash);
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, consent);
        if (signer != signingKey || signer == address(0)) revert BadConsent(signingKey);
    }

    function _emitRegistered(Registration calldata registration, uint8 slot, uint40 activeFrom) private {
        emit OperatorRegistered(
            registration.signingKey,
            msg.sender,
            slot,
            registration.blsKey,
            registration.stake,
            registration.rewardsReceiver,
            activeFrom
        );
    }

    function _activationBlock() private view returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast) Block numbers stay far below 2⁴⁰.
        return uint40(block.number + activationDelay);
    }

    function _requireIn(address operator) private view {
        OperatorStatus status = _operators.records[operator].status;
        if (status != OperatorStatus.ACTIVE && status != OperatorStatus.JAILED) revert OperatorNotActive(operator);
    }

    function _leave(address operator, OperatorStatus status) private {
        _operators.depart(operator, status, latestVersion);
        _isSealDue = true;
        logic.afterLeft(operator);
    }

    function _exit(address operator, address to) private returns (uint96 stake) {
        Operators.Record storage record = _operators.records[operator];
        if (record.status != OperatorStatus.EXITING && record.status != OperatorStatus.EJECTED) {
            revert OperatorNotLeaving(operator);
        }
        uint64 untilBlock = _unbondedAt(uint32(record.mark));
        if (block.number < untilBlock) revert StillUnbonding(untilBlock);
        stake = _operators.exit(operator);
        emit OperatorExited(operator, to, stake);
    }

    /// @dev The block from which the stake of an operator that left can be withdrawn: `unbondingBlocks` after the seal
    ///      that follows `lastVersion`; the maximum until that seal; 0 if the operator left before any seal.
    function _unbondedAt(uint32 lastVersion) private view returns (uint64) {
        if (lastVersion == 0) return 0;
        if (lastVersion == latestVersion) return type(uint64).max;
        return _sealedSets[lastVersion + 1].sealedAt + unbondingBlocks;
    }

    function _credit(address account, uint96 amount) private {
        creditOf[account] += amount;
        emit StakeCredited(account, amount);
    }
}
