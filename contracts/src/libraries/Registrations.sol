// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IAvsGovernance} from "../interfaces/IAvsGovernance.sol";
import {ISignatureVerifier} from "../interfaces/ISignatureVerifier.sol";
import {Registration} from "../types/Types.sol";
import {Digests} from "./Digests.sol";
import {Operators} from "./Operators.sol";

/// @title The registration of an operator: the proofs that its owner holds the keys, and its entry.
library Registrations {
    using Operators for Operators.State;

    /// @notice Check the proofs of a registration, and take its BLS key once and for all.
    function take(
        Operators.State storage self,
        Registration calldata registration,
        bytes32 domain,
        ISignatureVerifier verifier
    ) internal {
        bytes32 keyHash = keccak256(registration.blsKey);
        if (self.isKeyTaken[keyHash]) revert IAvsGovernance.KeyAlreadyRegistered(keyHash);
        self.isKeyTaken[keyHash] = true;
        _requirePossession(registration, keyHash, domain, verifier);
        requireConsent(self, registration.signingKey, keyHash, registration.consent, domain);
    }

    /// @notice Give a new operator of the caller's a slot.
    function enter(
        Operators.State storage self,
        Registration calldata registration,
        uint64 activationDelay,
        uint40 firstSettlement
    ) internal returns (uint8 slot) {
        uint40 activeFrom = Operators.activationBlock(activationDelay);
        slot = self.add(registration, activeFrom, firstSettlement);
        emit IAvsGovernance.OperatorRegistered(
            registration.signingKey,
            msg.sender,
            slot,
            registration.blsKey,
            registration.stake,
            registration.rewardsReceiver,
            activeFrom
        );
    }

    /// @notice Check that a signing address is new, and that its holder consents to serve the caller with this BLS key.
    /// @dev Without its consent, anyone could register an operator's announced signing address and so lock it out.
    function requireConsent(
        Operators.State storage self,
        address signingKey,
        bytes32 keyHash,
        bytes calldata consent,
        bytes32 domain
    ) internal view {
        if (self.isUsed(signingKey)) {
            revert IAvsGovernance.OperatorAlreadyRegistered(signingKey);
        }
        bytes32 digest = Digests.consentDigest(domain, msg.sender, keyHash);
        // slither-disable-next-line unused-return A failure gives the zero address, which the next line refuses.
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, consent);
        if (signer != signingKey || signer == address(0)) revert IAvsGovernance.BadConsent(signingKey);
    }

    /// @dev The holder of the key must have signed this owner and this operator. A key computed from other keys fails
    ///      here. So does a registration copied from the mempool: the sender of the copy would otherwise own the
    ///      operator and its rewards.
    function _requirePossession(
        Registration calldata registration,
        bytes32 keyHash,
        bytes32 domain,
        ISignatureVerifier verifier
    ) private view {
        bytes32 digest = Digests.possessionDigest(domain, msg.sender, registration.signingKey, keyHash);
        if (!verifier.verifyPossession(registration.blsKey, digest, registration.possession)) {
            revert IAvsGovernance.BadPossession();
        }
    }
}
