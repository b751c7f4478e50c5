// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {Tokens} from "../../src/libraries/Tokens.sol";
import {OperatorStatus, Registration} from "../../src/types/Types.sol";
import {GovernanceTest} from "../support/GovernanceTest.sol";
import {CallingToken, FeeToken, LyingToken, StakeToken} from "../support/StakeTokens.sol";

/// @dev Stakes in an ERC-20 token. This contract owns all operators.
contract AvsGovernanceTokensTest is GovernanceTest {
    bytes private constant OVERFLOW = abi.encodeWithSignature("Panic(uint256)", 0x11);

    StakeToken private token;

    function setUp() public override {
        useToken(new StakeToken());
    }

    function test_token__register_increase_exit__moves_exact_amounts() public {
        governance.registerOperator(registrationFor(address(this), 0));
        governance.increaseStake(operatorOf(0), 5);
        assertEq(token.balanceOf(address(governance)), STAKE + 5);
        assertEq(recordOf(0).stake, STAKE + 5);

        governance.deregisterOperator(operatorOf(0));
        governance.completeDeregistration(operatorOf(0), destination());
        assertEq(token.balanceOf(destination()), STAKE + 5);
        assertEq(token.balanceOf(address(governance)), 0);
    }

    function test_token__slash_and_withdraw__moves_exact_amounts() public {
        governance.registerOperator(registrationFor(address(this), 0));
        slash(0, 1_000, CASE);
        payFromPot(treasury, 1 ether);
        withdrawAs(treasury, destination());
        assertEq(token.balanceOf(destination()), 1 ether);
        assertEq(token.balanceOf(address(governance)), STAKE - 1 ether);
        assertEq(governance.pot() + recordOf(0).stake, STAKE - 1 ether);
    }

    function test_token__anyone_pays_an_increase__from_its_own_account() public {
        governance.registerOperator(registrationFor(address(this), 0));
        address payer = makeAddress("payer");
        token.mint(payer, 7);
        vm.prank(payer);
        token.approve(address(governance), 7);
        vm.prank(payer);
        governance.increaseStake(operatorOf(0), 7);
        assertEq(token.balanceOf(payer), 0);
        assertEq(recordOf(0).stake, STAKE + 7);
    }

    /// @dev Attack: two stakes whose sum does not fit would block every later seal.
    function test_token__sum_of_stakes_over_uint96__second_refused_and_seal_works() public {
        token.mint(address(this), type(uint128).max);
        Registration memory first = registrationFor(address(this), 0);
        first.stake = type(uint96).max - STAKE + 1;
        governance.registerOperator(first);
        Registration memory second = registrationFor(address(this), 1);
        vm.expectRevert(OVERFLOW);
        governance.registerOperator(second);
        vm.expectRevert(OVERFLOW);
        governance.increaseStake(operatorOf(0), STAKE);

        activate();
        governance.sealOperatorSet();
        assertEq(governance.sealedSet(1).totalStake, first.stake);
    }

    /// @dev The sum of the stakes that count: a jailed one returns to it with what it has when it is unjailed.
    function test_token__unjail_over_uint96__refused() public {
        token.mint(address(this), type(uint128).max);
        governance.registerOperator(registrationFor(address(this), 0));
        jail(0);
        Registration memory second = registrationFor(address(this), 1);
        second.stake = type(uint96).max;
        governance.registerOperator(second);
        vm.expectRevert(OVERFLOW);
        governance.unjail(operatorOf(0));

        slash(1, 10_000, CASE); // jailed too, so that its stake counts no more
        governance.unjail(operatorOf(0));
        activate();
        governance.sealOperatorSet();
        assertEq(governance.sealedSet(1).totalStake, STAKE);
    }

    function test_token__coin_sent_along__reverts() public {
        Registration memory registration = registrationFor(address(this), 0);
        vm.deal(address(this), 1);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, 1, 0));
        governance.registerOperator{value: 1}(registration);

        governance.registerOperator(registration);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, 1, 0));
        governance.increaseStake{value: 1}(operatorOf(0), 1);
    }

    function test_token__keeps_a_fee__reverts() public {
        useToken(new FeeToken());
        Registration memory registration = registrationFor(address(this), 0);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, STAKE - 1, STAKE));
        governance.registerOperator(registration);
        checkStatus(0, OperatorStatus.NONE);
    }

    function test_token__returns_false__reverts() public {
        useToken(new LyingToken());
        Registration memory registration = registrationFor(address(this), 0);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        governance.registerOperator(registration);
    }

    function test_token__not_approved__reverts() public {
        token.approve(address(governance), STAKE - 1);
        Registration memory registration = registrationFor(address(this), 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(governance), STAKE - 1, STAKE
            )
        );
        governance.registerOperator(registration);
    }

    // ---- a token that calls back

    /// @dev All calls that move money or slots, or change the sets: none may run inside another.
    function test_token__calls_back__every_call_refused() public {
        CallingToken calling = new CallingToken();
        useToken(calling);
        governance.registerOperator(registrationFor(address(this), 0));
        governance.registerOperator(registrationFor(address(this), 1));
        governance.deregisterOperator(operatorOf(1));
        bytes[] memory calls = guardedCalls();
        for (uint256 i = 0; i < calls.length; ++i) {
            calling.callOnTransfer(address(governance), calls[i]);
            governance.increaseStake(operatorOf(0), 1);
            checkRefused(calling);
        }
        assertEq(calling.balanceOf(address(governance)), 2 * STAKE + calls.length);
    }

    function test_token__calls_back_in_any_payment__refused() public {
        CallingToken calling = new CallingToken();
        useToken(calling);
        calling.callOnTransfer(address(governance), abi.encodeCall(governance.sealOperatorSet, ()));
        governance.registerOperator(registrationFor(address(this), 0));
        checkRefused(calling);
        slash(0, 100, CASE);
        payFromPot(treasury, 1);
        withdrawAs(treasury, destination());
        checkRefused(calling);
        governance.deregisterOperator(operatorOf(0));
        governance.completeDeregistration(operatorOf(0), destination());
        checkRefused(calling);
    }

    function test_token__calls_back_as_the_center__slash_refused() public {
        // Only AttestationCenter can slash, so here the token is in its place.
        CallingToken calling = new CallingToken();
        vm.mockCall(address(calling), abi.encodeCall(center.settlementCount, ()), abi.encode(0));
        useToken(calling);
        governance = deployGovernance(address(calling), address(calling), true);
        calling.approve(address(governance), type(uint256).max);
        calling.callOnTransfer(
            address(governance), abi.encodeCall(governance.slash, (operatorOf(0), 10_000, CASE, false))
        );
        governance.registerOperator(registrationFor(address(this), 0));
        checkRefused(calling);
        assertEq(recordOf(0).stake, STAKE);
    }

    // ---- steps

    /// @dev A new deployment whose stakes are in this token, of which this contract has enough.
    function useToken(StakeToken token_) private {
        deploy();
        token = token_;
        governance = replaceGovernance(address(token));
        token.mint(address(this), 10 * STAKE);
        token.approve(address(governance), type(uint256).max);
    }

    function guardedCalls() private view returns (bytes[] memory calls) {
        calls = new bytes[](10);
        calls[0] = abi.encodeCall(governance.registerOperator, (registrationFor(address(token), 2)));
        calls[1] = abi.encodeCall(governance.increaseStake, (operatorOf(0), 0));
        calls[2] = abi.encodeCall(governance.deregisterOperator, (operatorOf(0)));
        calls[3] = abi.encodeCall(governance.completeDeregistration, (operatorOf(1), destination()));
        calls[4] = abi.encodeCall(governance.releaseSlot, (operatorOf(1)));
        calls[5] = abi.encodeCall(governance.sealOperatorSet, ());
        calls[6] = abi.encodeCall(governance.withdraw, (destination()));
        calls[7] = abi.encodeCall(governance.eject, (operatorOf(0)));
        calls[8] = abi.encodeCall(governance.unjail, (operatorOf(0)));
        calls[9] = abi.encodeCall(governance.rotateSigningKey, (operatorOf(0), operatorOf(2), "", ""));
    }

    function checkRefused(CallingToken calling) private view {
        assertFalse(calling.hasSucceeded(), "refused");
        assertEq(calling.answer(), abi.encodeWithSignature("ReentrancyGuardReentrantCall()"));
    }
}
