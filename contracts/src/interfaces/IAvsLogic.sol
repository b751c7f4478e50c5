// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Verdict} from "../types/Types.sol";

/// @title The hook between AttestationCenter and ModelSubmission. No storage, no money, no try/catch.
interface IAvsLogic {
    /// @notice Pass on an approved evaluation. AttestationCenter only.
    function afterTaskSubmission(Verdict calldata verdict) external;

    /// @notice Pass on the expiry of a task. AttestationCenter only.
    function afterTaskExpiry(bytes32 taskId) external;

    /// @notice Credit an attester's fees. AttestationCenter only. Its share of task i is stakes[i] / signedStakes[i].
    function payAttester(
        address receiver,
        bytes32[] calldata taskIds,
        uint96[] calldata stakes,
        uint96[] calldata signedStakes
    ) external;

    error NotAttestationCenter(address caller);
}
