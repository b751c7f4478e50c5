// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {FeeShare, Verdict} from "../types/Types.sol";
import {IModelSubmission} from "./IModelSubmission.sol";

/// @title The hook between AttestationCenter and ModelSubmission. No storage, no money of its own, no try/catch.
interface IAvsLogic {
    /// @notice Pass on an approved evaluation. AttestationCenter only, as all of these.
    function afterTaskSubmission(Verdict calldata verdict) external;

    /// @notice Pass on the expiry of a task.
    function afterTaskExpiry(uint40 projectId, uint32 index) external;

    /// @notice Pass on a dispute with its bond.
    function afterDispute(uint40 projectId, uint32 index, address disputer) external payable;

    /// @notice Pass on the resolver's ruling. Return who disputed.
    function afterResolution(uint40 projectId, uint32 index, bool isOverturned) external returns (address disputer);

    /// @notice Credit an operator's fees.
    function payOperator(address receiver, FeeShare[] calldata shares) external;

    function attestationCenter() external view returns (address);

    function modelSubmission() external view returns (IModelSubmission);

    error NotAttestationCenter(address caller);
}
