// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IAvsGovernance} from "./interfaces/IAvsGovernance.sol";
import {ISignatureVerifier} from "./interfaces/ISignatureVerifier.sol";
import {MAX_TASK_BLOCKS} from "./libraries/Attempts.sol";
import {Digests} from "./libraries/Digests.sol";
import {OperatorSet} from "./libraries/OperatorSet.sol";
import {Operator, OperatorStatus, Registration, SealedSet} from "./types/Types.sol";

/// @title Operators, their stake and the sealed sets that tasks use.
/// @dev The states of an operator:
///
///      NONE ── registerOperator ──► ACTIVE ── deregisterOperator ──► EXITING ─┐
///                                      └────────── eject ──────────► EJECTED ─┴─ completeDeregistration ──► EXITED
///
///      A signing address and a BLS key can each register only once, so an old settlement always names one operator.
///      A slot stays taken until its operator is EXITED. Sets that are sealed after the operator left show it empty.
contract AvsGovernance is IAvsGovernance, Ownable2Step, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IERC20 public immutable stakeToken; // zero: the chain's own coin
    ISignatureVerifier public immutable verifier;
    uint96 public immutable minStake;
    uint64 public immutable epochBlocks; // minimum between two seals, unless an operator left
    uint64 public immutable unbondingBlocks; // from the first seal without an operator to the release of its stake

    mapping(address => Operator) private _operators;
    mapping(bytes32 => bool) private _isKeyTaken;

    // Bit i is slot i. `_entries` holds the entries of the active slots for the next sealed set.
    uint128 private _takenSlots;
    uint128 private _activeSlots;
    uint96 private _activeStake; // checked at each addition, so that a seal cannot overflow
    mapping(uint256 => OperatorSet.Entry) private _entries;

    uint32 public latestVersion;
    bool private _isSealDue; // an operator left: the next seal need not wait for the epoch
    mapping(uint32 => SealedSet) private _sealedSets;

    constructor(
        address owner_,
        IERC20 stakeToken_,
        ISignatureVerifier verifier_,
        uint96 minStake_,
        uint64 epochBlocks_,
        uint64 unbondingBlocks_
    ) Ownable(owner_) EIP712(Digests.DOMAIN_NAME, Digests.DOMAIN_VERSION) {
        if (minStake_ == 0) revert StakeTooSmall(0, 1); // operators without stake could form a set without stake
        if (unbondingBlocks_ < 2 * MAX_TASK_BLOCKS) revert UnbondingTooShort(unbondingBlocks_, 2 * MAX_TASK_BLOCKS);
        stakeToken = stakeToken_;
        verifier = verifier_;
        minStake = minStake_;
        epochBlocks = epochBlocks_;
        unbondingBlocks = unbondingBlocks_;
    }

    // ---- operators

    /// @inheritdoc IAvsGovernance
    function registerOperator(Registration calldata registration) external payable nonReentrant returns (uint8 slot) {
        address operator = registration.signingKey;
        if (operator == address(0) || registration.rewardsReceiver == address(0)) revert ZeroAddress();
        if (_operators[operator].status != OperatorStatus.NONE) revert OperatorAlreadyRegistered(operator);
        if (registration.stake < minStake) revert StakeTooSmall(registration.stake, minStake);

        bytes32 keyHash = _takeKey(registration);
        slot = _takeSlot();
        _operators[operator] = Operator({
            status: OperatorStatus.ACTIVE,
            slot: slot,
            stake: registration.stake,
            owner: msg.sender,
            rewardsReceiver: registration.rewardsReceiver,
            lastVersion: 0,
            keyHash: keyHash
        });
        _entries[slot] = OperatorSet.Entry(operator, registration.stake, OperatorSet.packKey(registration.blsKey));
        _activeSlots |= _bit(slot);
        _activeStake += registration.stake;
        emit OperatorRegistered(
            operator, msg.sender, slot, registration.blsKey, registration.stake, registration.rewardsReceiver
        );
        _receive(registration.stake);
    }

    /// @inheritdoc IAvsGovernance
    function increaseStake(address operator, uint96 amount) external payable nonReentrant {
        Operator storage record = _requireActive(operator);
        record.stake += amount;
        _entries[record.slot].stake = record.stake;
        _activeStake += amount;
        emit OperatorStakeIncreased(operator, amount, record.stake);
        _receive(amount);
    }

    /// @inheritdoc IAvsGovernance
    function deregisterOperator(address operator) external {
        if (_operators[operator].owner != msg.sender) revert NotOperatorOwner(msg.sender);
        _leave(_requireActive(operator), OperatorStatus.EXITING);
        emit OperatorDeregistered(operator);
    }

    /// @inheritdoc IAvsGovernance
    function eject(address operator) external onlyOwner {
        _leave(_requireActive(operator), OperatorStatus.EJECTED);
        emit OperatorEjected(operator);
    }

    /// @inheritdoc IAvsGovernance
    function completeDeregistration(address operator, address to) external nonReentrant {
        Operator storage record = _operators[operator];
        if (record.owner != msg.sender) revert NotOperatorOwner(msg.sender);
        if (record.status != OperatorStatus.EXITING && record.status != OperatorStatus.EJECTED) {
            revert OperatorNotLeaving(operator);
        }
        if (to == address(0)) revert ZeroAddress();
        uint64 untilBlock = _unbondedAt(record.lastVersion);
        if (block.number < untilBlock) revert StillUnbonding(untilBlock);

        uint96 stake = record.stake;
        record.stake = 0;
        record.status = OperatorStatus.EXITED;
        _takenSlots &= ~_bit(record.slot);
        emit OperatorExited(operator, to, stake);
        _pay(to, stake);
    }

    // ---- sealed sets

    /// @inheritdoc IAvsGovernance
    function sealOperatorSet() external returns (uint32 version) {
        _requireSealable();
        (bytes memory blob, uint8 count) = _encodeActive();

        version = ++latestVersion;
        address pointer = OperatorSet.store(blob);
        _sealedSets[version] = SealedSet(pointer, count, _activeStake, uint64(block.number));
        _isSealDue = false;
        emit OperatorSetSealed(version, pointer, count, _activeStake);
    }

    // ---- readers

    /// @inheritdoc IAvsGovernance
    function sealedSet(uint32 version) external view returns (SealedSet memory) {
        return _sealedSets[version];
    }

    /// @inheritdoc IAvsGovernance
    function getOperator(address operator) external view returns (Operator memory) {
        return _operators[operator];
    }

    /// @inheritdoc IAvsGovernance
    function rewardsReceiverOf(address operator) external view returns (address) {
        return _operators[operator].rewardsReceiver;
    }

    // ---- steps of the above

    /// @dev The holder of the key must have signed this owner and this operator. A key computed from other keys fails
    ///      here. So does a registration copied from the mempool: the sender of the copy would otherwise own the
    ///      operator and its rewards.
    function _takeKey(Registration calldata registration) private returns (bytes32 keyHash) {
        keyHash = keccak256(registration.blsKey);
        if (_isKeyTaken[keyHash]) revert KeyAlreadyRegistered(keyHash);
        _isKeyTaken[keyHash] = true;

        bytes32 digest = Digests.possessionDigest(_domainSeparatorV4(), msg.sender, registration.signingKey, keyHash);
        if (!verifier.verifyPossession(registration.blsKey, digest, registration.possession)) revert BadPossession();
    }

    function _takeSlot() private returns (uint8) {
        for (uint8 slot = 0; slot < OperatorSet.SLOTS; ++slot) {
            if (_takenSlots & _bit(slot) == 0) {
                _takenSlots |= _bit(slot);
                return slot;
            }
        }
        revert NoFreeSlot();
    }

    function _leave(Operator storage record, OperatorStatus status) private {
        record.status = status;
        record.lastVersion = latestVersion;
        _activeSlots &= ~_bit(record.slot);
        _activeStake -= record.stake;
        delete _entries[record.slot];
        _isSealDue = true;
    }

    /// @dev The first set needs an operator. A later set may be empty, so that the last operators can get their stake.
    function _requireSealable() private view {
        if (latestVersion == 0) {
            if (_activeSlots == 0) revert NoOperators();
            return;
        }
        uint64 nextBlock = _sealedSets[latestVersion].sealedAt + epochBlocks;
        if (!_isSealDue && block.number < nextBlock) revert SealedTooRecently(nextBlock);
    }

    function _encodeActive() private view returns (bytes memory blob, uint8 count) {
        blob = OperatorSet.empty();
        uint128 active = _activeSlots;
        for (uint8 slot = 0; slot < OperatorSet.SLOTS; ++slot) {
            if (active & _bit(slot) == 0) continue;
            OperatorSet.put(blob, slot, _entries[slot]);
            ++count;
        }
    }

    /// @dev The block from which the stake of an operator that left can be withdrawn: `unbondingBlocks` after the seal
    ///      that follows `lastVersion`; the maximum until that seal; 0 if the operator left before any seal.
    function _unbondedAt(uint32 lastVersion) private view returns (uint64) {
        if (lastVersion == 0) return 0;
        if (lastVersion == latestVersion) return type(uint64).max;
        return _sealedSets[lastVersion + 1].sealedAt + unbondingBlocks;
    }

    function _requireActive(address operator) private view returns (Operator storage record) {
        record = _operators[operator];
        if (record.status != OperatorStatus.ACTIVE) revert OperatorNotActive(operator);
    }

    function _bit(uint8 slot) private pure returns (uint128) {
        return uint128(1) << slot;
    }

    // ---- stake in and out: the last step of each call

    function _receive(uint96 amount) private {
        if (address(stakeToken) == address(0)) {
            if (msg.value != amount) revert WrongValue(msg.value, amount);
            return;
        }
        if (msg.value != 0) revert WrongValue(msg.value, 0);
        uint256 before = stakeToken.balanceOf(address(this));
        stakeToken.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = stakeToken.balanceOf(address(this)) - before;
        if (received != amount) revert WrongValue(received, amount); // a token that takes a fee on transfers
    }

    function _pay(address to, uint96 amount) private {
        if (address(stakeToken) != address(0)) {
            stakeToken.safeTransfer(to, amount);
            return;
        }
        (bool isPaid,) = to.call{value: amount}("");
        if (!isPaid) revert TransferFailed();
    }
}
