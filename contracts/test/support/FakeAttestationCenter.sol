// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {TaskRequest, Verdict} from "../../src/types/Types.sol";

/// @dev AttestationCenter and AvsLogic in one, as ModelSubmission sees them. It opens every requested task unless the
///      test makes it refuse, and passes on the verdicts that the test gives it.
contract FakeAttestationCenter {
    enum Mood {
        WILLING,
        REFUSING, // as with too few operators
        OUT_OF_GAS // fails without a reason
    }

    IModelSubmission public market;
    Mood public mood;
    TaskRequest[] private _requests;
    mapping(bytes32 taskId => bool) private _isKnown;

    function wire(IModelSubmission market_) external {
        market = market_;
    }

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function openTask(TaskRequest calldata request) external returns (uint64 seedBlock, uint64 deadline) {
        if (msg.sender != address(market)) revert IAttestationCenter.NotModelSubmission(msg.sender);
        if (mood == Mood.REFUSING) revert IAttestationCenter.TooFewOperators(0, 3);
        if (mood == Mood.OUT_OF_GAS) {
            assembly {
                revert(0, 0)
            }
        }
        if (_isKnown[request.taskId]) revert IAttestationCenter.TaskAlreadyExists(request.taskId);
        _isKnown[request.taskId] = true;
        _requests.push(request);
        return (uint64(block.number), uint64(block.number + request.attemptBlocks));
    }

    function settle(Verdict calldata verdict) external {
        market.settle(verdict);
    }

    function expire(bytes32 taskId) external {
        market.expire(taskId);
    }

    function payAttester(
        address receiver,
        bytes32[] calldata taskIds,
        uint96[] calldata stakes,
        uint96[] calldata signedStakes
    ) external {
        market.payAttester(receiver, taskIds, stakes, signedStakes);
    }

    function requestCount() external view returns (uint256) {
        return _requests.length;
    }

    function requestAt(uint256 number) external view returns (TaskRequest memory) {
        return _requests[number];
    }
}
