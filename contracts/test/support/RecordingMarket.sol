// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {FeeShare, TaskRequest, Verdict} from "../../src/types/Types.sol";

/// @dev Stands in for ModelSubmission: opens tasks, and records the calls of AvsLogic. Fees are 0.1 of the coin, unless
///      the test sets another.
contract RecordingMarket {
    struct Place {
        uint40 projectId;
        uint32 index;
    }

    struct Payment {
        address caller;
        address receiver;
        FeeShare share;
    }

    struct Dispute {
        Place place;
        address disputer;
        uint256 bond;
    }

    struct Resolution {
        Place place;
        bool isOverturned;
    }

    uint96 public fee = 0.1 ether;
    address public feeToken;

    Verdict[] private _verdicts;
    Place[] private _expired;
    Payment[] private _payments;
    Dispute[] private _disputes;
    Resolution[] private _resolutions;
    bool public isRefusing;

    error Refused();

    modifier willing() {
        if (isRefusing) revert Refused();
        _;
    }

    function open(IAttestationCenter center, TaskRequest calldata request) external {
        center.openTask(request);
    }

    function refuse() external {
        isRefusing = true;
    }

    function setFeeToken(address token) external {
        feeToken = token;
    }

    function setFee(uint96 fee_) external {
        fee = fee_;
    }

    function feeOf(uint256) external view returns (address, uint96) {
        return (feeToken, fee);
    }

    function settle(Verdict calldata verdict) external willing {
        _verdicts.push(verdict);
    }

    function expire(uint40 projectId, uint32 index) external willing {
        _expired.push(Place(projectId, index));
    }

    function dispute(uint40 projectId, uint32 index, address disputer) external payable willing {
        _disputes.push(Dispute(Place(projectId, index), disputer, msg.value));
    }

    function resolve(uint40 projectId, uint32 index, bool isOverturned) external willing returns (address) {
        _resolutions.push(Resolution(Place(projectId, index), isOverturned));
        return _disputes[_disputes.length - 1].disputer;
    }

    function payOperator(address receiver, FeeShare[] calldata shares) external {
        for (uint256 i = 0; i < shares.length; ++i) {
            _payments.push(Payment(msg.sender, receiver, shares[i]));
        }
    }

    function verdictCount() external view returns (uint256) {
        return _verdicts.length;
    }

    function verdictAt(uint256 index) external view returns (Verdict memory) {
        return _verdicts[index];
    }

    function expiredCount() external view returns (uint256) {
        return _expired.length;
    }

    function expiredAt(uint256 index) external view returns (Place memory) {
        return _expired[index];
    }

    function paymentCount() external view returns (uint256) {
        return _payments.length;
    }

    function paymentAt(uint256 index) external view returns (Payment memory) {
        return _payments[index];
    }

    function disputeCount() external view returns (uint256) {
        return _disputes.length;
    }

    function disputeAt(uint256 index) external view returns (Dispute memory) {
        return _disputes[index];
    }

    function resolutionCount() external view returns (uint256) {
        return _resolutions.length;
    }

    function resolutionAt(uint256 index) external view returns (Resolution memory) {
        return _resolutions[index];
    }
}
