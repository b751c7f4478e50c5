// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAdministration} from "../interfaces/IAdministration.sol";
import {IAttestationCenter} from "../interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {IAvsLogic} from "../interfaces/IAvsLogic.sol";
import {IModelSubmission} from "../interfaces/IModelSubmission.sol";

/// @title The addresses by which the contracts of one deployment call each other.
/// @dev Each is immutable, and was computed before the contract at it was deployed. ModelSubmission is the last one. Its
///      constructor compares them all, so that no deployment with a wrong address can get a market.
library Wiring {
    /// @dev Reverts with `NotDeployed` or `WrongWiring` at the first difference.
    function validate(
        IAdministration administration,
        IAvsGovernance governance,
        IAttestationCenter center,
        IAvsLogic avsLogic,
        address treasury
    ) internal view {
        _requireCode("administration", address(administration));
        _requireCode("governance", address(governance));
        _requireCode("attestationCenter", address(center));
        _requireCode("avsLogic", address(avsLogic));
        _requireCode("verifier", address(center.verifier()));
        _requireCode("seedSource", address(center.seedSource()));

        address where = address(governance);
        _compare(where, "administration", address(governance.administration()), address(administration));
        _compare(where, "attestationCenter", address(governance.attestationCenter()), address(center));
        _compare(where, "verifier", address(governance.verifier()), address(center.verifier()));

        where = address(avsLogic);
        _compare(where, "attestationCenter", avsLogic.attestationCenter(), address(center));
        _compare(where, "modelSubmission", address(avsLogic.modelSubmission()), address(this));

        where = address(center);
        _compare(where, "administration", address(center.administration()), address(administration));
        _compare(where, "governance", address(center.governance()), address(governance));
        _compare(where, "avsLogic", address(center.avsLogic()), address(avsLogic));
        _compare(where, "modelSubmission", address(center.modelSubmission()), address(this));
        _compare(where, "treasury", center.treasury(), treasury);
    }

    function _requireCode(string memory name, address where) private view {
        if (where.code.length == 0) revert IModelSubmission.NotDeployed(name, where);
    }

    function _compare(address where, string memory getter, address found, address expected) private pure {
        if (found != expected) revert IModelSubmission.WrongWiring(where, getter, found, expected);
    }
}
