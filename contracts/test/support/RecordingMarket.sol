// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {Evaluation, TaskRequest, Verdict} from "../../src/types/Types.sol";

/// @dev Stands in for ModelSubmission: opens tasks, and records the calls of AvsLogic.
contract RecordingMarket {
    struct Payment {
        address caller;
        address receiver;
        bytes32 taskId;
        uint96 stake;
        uint96 signedStake;
    }

    Verdict[] private _verdicts;
    bytes32[] private _expired;
    Payment[] private _payments;
    bool public isRefusing;

    error Refused();

    function open(IAttestationCenter center, TaskRequest calldata request)
        external
        returns (uint64 seedBlock, uint64 deadline)
    {
        return center.openTask(request);
    }

    function refuse() external {
        isRefusing = true;
    }

    function settle(Verdict calldata verdict) external {
        if (isRefusing) revert Refused();
        _verdicts.push(verdict);
    }

    function expire(bytes32 taskId) external {
        if (isRefusing) revert Refused();
        _expired.push(taskId);
    }

    function payAttester(
        address receiver,
        bytes32[] calldata taskIds,
        uint96[] calldata stakes,
        uint96[] calldata signedStakes
    ) external {
        require(taskIds.length == stakes.length && stakes.length == signedStakes.length, "arrays differ");
        for (uint256 i = 0; i < taskIds.length; ++i) {
            _payments.push(Payment(msg.sender, receiver, taskIds[i], stakes[i], signedStakes[i]));
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

    function expiredAt(uint256 index) external view returns (bytes32) {
        return _expired[index];
    }

    function paymentCount() external view returns (uint256) {
        return _payments.length;
    }

    function paymentAt(uint256 index) external view returns (Payment memory) {
        return _payments[index];
    }
}
