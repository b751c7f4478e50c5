// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAvsLogic} from "./interfaces/IAvsLogic.sol";
import {IModelSubmission} from "./interfaces/IModelSubmission.sol";
import {FeeShare, Verdict} from "./types/Types.sol";

/// @title Passes verdicts, expiries, disputes and fee claims from AttestationCenter to ModelSubmission.
contract AvsLogic is IAvsLogic {
    address public immutable attestationCenter;
    IModelSubmission public immutable modelSubmission;

    /// @dev Both addresses may still be without code. ModelSubmission checks the wiring.
    // slither-disable-next-line missing-zero-check ModelSubmission checks the wiring.
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
    function afterTaskExpiry(uint40 projectId, uint32 index) external onlyAttestationCenter {
        modelSubmission.expire(projectId, index);
    }

    /// @inheritdoc IAvsLogic
    function afterDispute(uint40 projectId, uint32 index, address disputer) external payable onlyAttestationCenter {
        modelSubmission.dispute{value: msg.value}(projectId, index, disputer);
    }

    /// @inheritdoc IAvsLogic
    function afterResolution(uint40 projectId, uint32 index, bool isOverturned)
        external
        onlyAttestationCenter
        returns (address disputer)
    {
        return modelSubmission.resolve(projectId, index, isOverturned);
    }

    /// @inheritdoc IAvsLogic
    function payOperator(address receiver, FeeShare[] calldata shares) external onlyAttestationCenter {
        modelSubmission.payOperator(receiver, shares);
    }
}
