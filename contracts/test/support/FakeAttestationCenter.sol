// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {FeeShare, TaskRequest, Verdict} from "../../src/types/Types.sol";

/// @dev AttestationCenter and AvsLogic in one, as ModelSubmission sees them. It opens every requested task unless the
///      test makes it refuse or the deployment is paused, and passes on the verdicts that the test gives it. Performer
///      and aggregator claim at once, attesters when the test says so.
contract FakeAttestationCenter {
    enum Mood {
        WILLING,
        REFUSING, // as with too few operators
        OUT_OF_GAS // fails without a reason
    }

    IModelSubmission public modelSubmission;
    IAdministration public administration;
    IAvsGovernance public governance;
    address public treasury;
    // Both parts that the market asks for, and what it only looks at.
    address public attestationCenter = address(this);
    address public avsLogic = address(this);
    address public verifier = address(this);
    address public seedSource = address(this);
    Mood public mood;
    /// The attesters' parts of all settlements, less what was claimed. Computed from `docs/protocol.md`, so that the
    /// tests do not trust the library that the market uses.
    mapping(address token => uint256) public unclaimedIn;
    address private _performer;
    address private _aggregator;
    TaskRequest[] private _requests;
    mapping(bytes32 taskId => bool) private _isKnown;

    function wire(
        IModelSubmission market,
        IAdministration administration_,
        IAvsGovernance governance_,
        address treasury_
    ) external {
        modelSubmission = market;
        administration = administration_;
        governance = governance_;
        treasury = treasury_;
    }

    function setVerifier(address next) external {
        verifier = next;
    }

    function setSeedSource(address next) external {
        seedSource = next;
    }

    function setAvsLogic(address next) external {
        avsLogic = next;
    }

    function setAttestationCenter(address next) external {
        attestationCenter = next;
    }

    function setPayees(address performer, address aggregator) external {
        _performer = performer;
        _aggregator = aggregator;
    }

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function openTask(TaskRequest calldata request) external {
        if (msg.sender != address(modelSubmission)) revert IAttestationCenter.NotModelSubmission(msg.sender);
        administration.requireRunning();
        if (mood == Mood.REFUSING) revert IAttestationCenter.TooFewOperators(0, 3);
        if (mood == Mood.OUT_OF_GAS) {
            assembly {
                revert(0, 0)
            }
        }
        if (_isKnown[request.taskId]) revert IAttestationCenter.TaskAlreadyExists(request.taskId);
        _isKnown[request.taskId] = true;
        _requests.push(request);
    }

    function settle(Verdict calldata verdict) external {
        (address token, uint96 fee) = modelSubmission.feeOf(verdict.projectId);
        bool isPaid = verdict.isAggregatorPaid;
        unclaimedIn[token] += attestersOf(fee, isPaid) * verdict.signedStake / verdict.totalStake;
        modelSubmission.settle(verdict);
        _pay(_performer, FeeShare(verdict.projectId, true, isPaid, 0, 0, verdict.totalStake));
        if (isPaid) _pay(_aggregator, FeeShare(verdict.projectId, false, true, verdict.signedShare, 0, 1));
    }

    function expire(uint40 projectId, uint32 index) external {
        modelSubmission.expire(projectId, index);
    }

    function dispute(uint40 projectId, uint32 index, address disputer) external payable {
        modelSubmission.dispute{value: msg.value}(projectId, index, disputer);
    }

    function resolve(uint40 projectId, uint32 index, bool isOverturned) external returns (address) {
        return modelSubmission.resolve(projectId, index, isOverturned);
    }

    function payOperator(address receiver, FeeShare[] calldata shares) external {
        for (uint256 i = 0; i < shares.length; ++i) {
            (address token, uint96 fee) = modelSubmission.feeOf(shares[i].projectId);
            uint256 part = attestersOf(fee, shares[i].isAggregatorPaid);
            unclaimedIn[token] -= part * shares[i].stake / shares[i].totalStake;
        }
        modelSubmission.payOperator(receiver, shares);
    }

    function _pay(address receiver, FeeShare memory share) private {
        FeeShare[] memory shares = new FeeShare[](1);
        shares[0] = share;
        modelSubmission.payOperator(receiver, shares);
    }

    /// @dev What is left of a fee after the performer's 40 % and, if it had its turn, the aggregator's 10 %.
    function attestersOf(uint256 fee, bool isAggregatorPaid) public pure returns (uint256) {
        return fee - fee * 40 / 100 - (isAggregatorPaid ? fee * 10 / 100 : 0);
    }

    function requestCount() external view returns (uint256) {
        return _requests.length;
    }

    function requestAt(uint256 number) external view returns (TaskRequest memory) {
        return _requests[number];
    }
}

/// @dev All that ModelSubmission asks AvsGovernance.
contract FakeGovernance {
    uint64 public immutable unbondingBlocks;
    IAdministration public administration;
    address public attestationCenter;
    address public verifier;

    constructor(uint64 unbondingBlocks_) {
        unbondingBlocks = unbondingBlocks_;
    }

    function wire(IAdministration administration_, address attestationCenter_, address verifier_) external {
        administration = administration_;
        attestationCenter = attestationCenter_;
        verifier = verifier_;
    }
}
