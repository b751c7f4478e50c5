// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsLogic} from "./interfaces/IAvsLogic.sol";
import {IModelSubmission} from "./interfaces/IModelSubmission.sol";
import {Verdict} from "./types/Types.sol";

/// @title Passes verdicts, expiries and fee claims from AttestationCenter to ModelSubmission.
contract AvsLogic is IAvsLogic {
    address public immutable attestationCenter;
    IModelSubmission public immutable modelSubmission;

    /// @dev Both addresses may still be without code. The deployment has to check the wiring afterwards.
    constructor(address attestationCenter_, IModelSubmission modelSubmission_) {
        attestationCenter = attestationCenter_;
        modelSubmission = modelSubmission_;
    }

    modifier onlyAttestationCenter() {
        if (msg.sender != attestationCenter) revert NotAttestationCenter(msg.sender);
        _;
    }

    /// @inheritdoc IAvsLogic
    function afterTaskSubmission(Verdict calldata verdict) external onlyAttestationCenter {
        modelSubmission.settle(verdict);
    }

    /// @inheritdoc IAvsLogic
    function afterTaskExpiry(bytes32 taskId) external onlyAttestationCenter {
        modelSubmission.expire(taskId);
    }

    /// @inheritdoc IAvsLogic
    function payAttester(
        address receiver,
        bytes32[] calldata taskIds,
        uint96[] calldata stakes,
        uint96[] calldata signedStakes
    ) external onlyAttestationCenter {
        modelSubmission.payAttester(receiver, taskIds, stakes, signedStakes);
    }
}
