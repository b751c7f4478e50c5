// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The roles of a deployment. All but GUARDIAN belong to the timelock.
library Roles {
    bytes32 internal constant ADMISSION = keccak256("ADMISSION_ROLE"); // admits, expels and ejects operators
    bytes32 internal constant PARAMETERS = keccak256("PARAMETERS_ROLE"); // parameters, tokens, slashes, the hook
    bytes32 internal constant GUARDIAN = keccak256("GUARDIAN_ROLE"); // pauses
}
