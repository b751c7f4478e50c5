// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AvsGovernance} from "../../src/AvsGovernance.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {OperatorStatus, Registration} from "../../src/types/Types.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {GovernanceTest} from "../support/GovernanceTest.sol";

/// @dev The two signatures of a registration: the BLS key's proof of possession and the signing address's consent.
contract AvsGovernanceSignaturesTest is GovernanceTest {
    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    // ---- possession

    function test_possession__anothers_proof__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.signingKey = operatorOf(1); // the attacker's
        registration.consent = consentBy(signingSecret(1), governance, ownerAt(1), blsSecret(0));
        expectBadPossession(registration);
    }

    function test_possession__rogue_key__reverts() public {
        // The rogue key cancels operators 0 and 1: key = own − (key 0 + key 1). The attacker does not know its secret,
        // and can sign only with its own secret.
        uint256 own = blsSecret(9);
        uint256 others = addmod(blsSecret(0), blsSecret(1), BlsSigner.ORDER);
        uint256 rogue = addmod(own, BlsSigner.ORDER - others, BlsSigner.ORDER);

        Registration memory registration = registrationOf(governance, 9, STAKE);
        registration.blsKey = BlsSigner.publicKey(rogue);
        registration.consent = consentBy(signingSecret(9), governance, ownerAt(9), rogue);
        bytes32 digest = possessionDigestOf(9, keccak256(registration.blsKey));
        registration.possession = BlsSigner.provePossession(own, digest);
        expectBadPossession(registration);

        registration.possession = BlsSigner.provePossession(rogue, digest); // the same but for the secret
        registerFor(governance, registration);
    }

    function test_possession__for_another_contract__reverts() public {
        AvsGovernance other = replaceGovernance(address(0));
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.possession = registrationOf(other, 0, STAKE).possession;
        expectBadPossession(registration);
    }

    function test_possession__for_another_chain__reverts() public {
        vm.chainId(5);
        bytes memory possession = registrationOf(governance, 0, STAKE).possession;
        vm.chainId(31_337);
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.possession = possession;
        expectBadPossession(registration);
    }

    function test_possession__copied_by_another_owner__reverts() public {
        // Copied from the mempool: the sender of the copy would own the operator, its stake and its rewards.
        Registration memory registration = registrationOf(governance, 0, STAKE);
        bytes memory reason = abi.encodeWithSelector(IAvsGovernance.BadPossession.selector);
        expectRegisterRefused(makeAddress("copier"), registration, STAKE, reason);
    }

    function test_possession__vote_tag__reverts() public {
        // The right digest under the vote tag: a vote must not count as a possession proof.
        Registration memory registration = registrationOf(governance, 0, STAKE);
        bytes32 digest = possessionDigestOf(0, keccak256(registration.blsKey));
        registration.possession = BlsSigner.signVote(blsSecret(0), digest);
        expectBadPossession(registration);
    }

    function test_possession__identity_key_and_proof__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.blsKey = new bytes(128);
        registration.possession = new bytes(256);
        expectBadPossession(registration);
    }

    // ---- consent

    function test_consent__squatter__cannot_take_an_announced_address() public {
        // The squatter has its own stake and BLS key, and wants operator 0 locked out. It lacks one signature only.
        address squatter = makeAddress("squatter");
        Registration memory registration = registrationBy(squatter, governance, 7, STAKE);
        registration.signingKey = operatorOf(0);
        registration.possession = possessionBy(squatter, governance, blsSecret(7), operatorOf(0));
        expectBadConsent(squatter, registration); // consent by its own signing key
        registration.consent = registrationOf(governance, 0, STAKE).consent; // seen in the mempool
        expectBadConsent(squatter, registration);

        register(0, STAKE);
        checkStatus(0, OperatorStatus.ACTIVE);
    }

    function test_consent__for_another_owner__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.consent = consentBy(signingSecret(0), governance, makeAddress("other owner"), blsSecret(0));
        expectBadConsent(ownerAt(0), registration);
    }

    function test_consent__for_another_bls_key__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.consent = consentBy(signingSecret(0), governance, ownerAt(0), blsSecret(1));
        expectBadConsent(ownerAt(0), registration);
    }

    function test_consent__for_another_contract__reverts() public {
        AvsGovernance other = replaceGovernance(address(0));
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.consent = consentBy(signingSecret(0), other, ownerAt(0), blsSecret(0));
        expectBadConsent(ownerAt(0), registration);
    }

    function test_consent__for_another_chain__reverts() public {
        vm.chainId(5);
        bytes memory consent = registrationOf(governance, 0, STAKE).consent;
        vm.chainId(31_337);
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.consent = consent;
        expectBadConsent(ownerAt(0), registration);
    }

    function test_consent__no_signature__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.consent = "";
        expectBadConsent(ownerAt(0), registration);
        registration.consent = new bytes(65); // recovers no address
        expectBadConsent(ownerAt(0), registration);
    }

    function test_consent__other_form_of_the_signature__reverts() public {
        // For each signature (r, s) there is a second one with order − s, which is refused.
        bytes32 keyHash = keccak256(BlsSigner.publicKey(blsSecret(0)));
        bytes32 digest = Digests.consentDigest(separatorOf(address(governance)), ownerAt(0), keyHash);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signingSecret(0), digest);
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.consent = abi.encodePacked(r, CURVE_ORDER - uint256(s), v == 27 ? uint8(28) : uint8(27));
        expectBadConsent(ownerAt(0), registration);
    }

    // ---- steps

    function possessionDigestOf(uint256 index, bytes32 keyHash) private view returns (bytes32) {
        return Digests.possessionDigest(separatorOf(address(governance)), ownerAt(index), operatorOf(index), keyHash);
    }

    function expectBadPossession(Registration memory registration) private {
        expectRegisterRefused(registration, abi.encodeWithSelector(IAvsGovernance.BadPossession.selector));
    }

    function expectBadConsent(address owner, Registration memory registration) private {
        bytes memory reason = abi.encodeWithSelector(IAvsGovernance.BadConsent.selector, registration.signingKey);
        expectRegisterRefused(owner, registration, STAKE, reason);
    }
}
