// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Verdict} from "../types/Types.sol";

/// @title The hook between attestation and market. No storage, no money, no try/catch.
interface IAvsLogic {
    /// @notice An evaluation was approved. AttestationCenter only.
    function afterTaskSubmission(Verdict calldata verdict) external;

    /// @notice A task expired. AttestationCenter only.
    function afterTaskExpiry(bytes32 taskId) external;

    /// @notice Credit an attester's fees. AttestationCenter only. Arrays are parallel: share i is stake / signedStake.
    function payAttester(
        address receiver,
        bytes32[] calldata taskIds,
        uint96[] calldata stakes,
        uint96[] calldata signedStakes
    ) external;

    error NotAttestationCenter(address caller);
}
