// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Administration} from "../../src/Administration.sol";
import {ModelSubmission} from "../../src/ModelSubmission.sol";
import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {FakeAttestationCenter, FakeGovernance} from "../support/FakeAttestationCenter.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev ModelSubmission's constructor compares the addresses by which the contracts call each other. Each test starts
///      with the wiring that is right, and changes one address.
contract WiringTest is MarketTest {
    address private nobody = makeAddress("nobody"); // has no code
    FakeAttestationCenter private avsLogic;
    FakeGovernance private governance;
    address private next; // the market that the test deploys

    function setUp() public override {
        super.setUp();
        avsLogic = new FakeAttestationCenter();
        center.setAvsLogic(address(avsLogic));
        avsLogic.setAttestationCenter(address(center));
        governance = FakeGovernance(address(wireMarket(UNBONDING_BLOCKS)));
        next = address(center.modelSubmission());
        avsLogic.wire(IModelSubmission(next), administration, IAvsGovernance(address(governance)), treasury);
    }

    function test_constructor__all_name_each_other__deployed() public {
        assertEq(address(_deploy()), next);
    }

    // ---- no code

    function test_constructor__administration_without_code__reverts() public {
        _expectNotDeployed("administration");
        new ModelSubmission(
            IAdministration(nobody), _governance(), _center(), address(avsLogic), treasury, defaultLimits()
        );
    }

    function test_constructor__governance_without_code__reverts() public {
        _expectNotDeployed("governance");
        new ModelSubmission(
            administration, IAvsGovernance(nobody), _center(), address(avsLogic), treasury, defaultLimits()
        );
    }

    function test_constructor__center_without_code__reverts() public {
        _expectNotDeployed("attestationCenter");
        new ModelSubmission(
            administration, _governance(), IAttestationCenter(nobody), address(avsLogic), treasury, defaultLimits()
        );
    }

    function test_constructor__avsLogic_without_code__reverts() public {
        _expectNotDeployed("avsLogic");
        new ModelSubmission(administration, _governance(), _center(), nobody, treasury, defaultLimits());
    }

    function test_constructor__verifier_without_code__reverts() public {
        center.setVerifier(nobody);
        _expectNotDeployed("verifier");
        _deploy();
    }

    function test_constructor__seed_source_without_code__reverts() public {
        center.setSeedSource(nobody);
        _expectNotDeployed("seedSource");
        _deploy();
    }

    // ---- AvsGovernance

    function test_constructor__governance_of_another_administration__reverts() public {
        Administration other = new Administration(timelock, guardian, 1 days);
        _moveOn();
        governance.wire(other, address(center), center.verifier());
        _expectWrong(address(governance), "administration", address(other), address(administration));
        _deploy();
    }

    function test_constructor__governance_of_another_center__reverts() public {
        governance.wire(administration, nobody, center.verifier());
        _expectWrong(address(governance), "attestationCenter", nobody, address(center));
        _deploy();
    }

    function test_constructor__governance_with_another_verifier__reverts() public {
        governance.wire(administration, address(center), nobody);
        _expectWrong(address(governance), "verifier", nobody, center.verifier());
        _deploy();
    }

    // ---- AvsLogic

    function test_constructor__avsLogic_of_another_center__reverts() public {
        avsLogic.setAttestationCenter(nobody);
        _expectWrong(address(avsLogic), "attestationCenter", nobody, address(center));
        _deploy();
    }

    function test_constructor__avsLogic_of_another_market__reverts() public {
        avsLogic.wire(market, administration, _governance(), treasury);
        _expectWrong(address(avsLogic), "modelSubmission", address(market), next);
        _deploy();
    }

    // ---- AttestationCenter

    function test_constructor__center_of_another_administration__reverts() public {
        center.wire(IModelSubmission(next), IAdministration(nobody), _governance(), treasury);
        _expectWrong(address(center), "administration", nobody, address(administration));
        _deploy();
    }

    function test_constructor__center_of_another_governance__reverts() public {
        center.wire(IModelSubmission(next), administration, IAvsGovernance(nobody), treasury);
        _expectWrong(address(center), "governance", nobody, address(governance));
        _deploy();
    }

    function test_constructor__center_with_another_avsLogic__reverts() public {
        center.setAvsLogic(nobody);
        _expectWrong(address(center), "avsLogic", nobody, address(avsLogic));
        _deploy();
    }

    /// @dev So it is when another transaction of the deployer moved the last address.
    function test_constructor__center_of_another_market__reverts() public {
        center.wire(market, administration, _governance(), treasury);
        _expectWrong(address(center), "modelSubmission", address(market), next);
        _deploy();
    }

    function test_constructor__center_with_another_treasury__reverts() public {
        center.wire(IModelSubmission(next), administration, _governance(), nobody);
        _expectWrong(address(center), "treasury", nobody, treasury);
        _deploy();
    }

    // ---- arrange

    function _deploy() private returns (ModelSubmission) {
        return
            new ModelSubmission(administration, _governance(), _center(), address(avsLogic), treasury, defaultLimits());
    }

    /// @dev Wire to the address that comes next after this test deployed another contract.
    function _moveOn() private {
        next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        center.wire(IModelSubmission(next), administration, _governance(), treasury);
        avsLogic.wire(IModelSubmission(next), administration, _governance(), treasury);
    }

    function _governance() private view returns (IAvsGovernance) {
        return IAvsGovernance(address(governance));
    }

    function _center() private view returns (IAttestationCenter) {
        return IAttestationCenter(address(center));
    }

    // ---- assert

    function _expectNotDeployed(string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.NotDeployed.selector, name, nobody));
    }

    function _expectWrong(address where, string memory getter, address found, address expected) private {
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WrongWiring.selector, where, getter, found, expected));
    }
}
