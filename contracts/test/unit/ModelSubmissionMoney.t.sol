// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Tokens} from "../../src/libraries/Tokens.sol";
import {Code, FeeShare, Outcome, ProjectParams, ProjectStatus} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "../support/FakeAttestationCenter.sol";
import {CallbackToken, PlainToken, ReenteringReceiver, RefusingReceiver, TaxedToken} from "../support/FakeTokens.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev Money in and out: hostile receivers and tokens, and the way out when all operators have left.
contract ModelSubmissionMoneyTest is MarketTest {
    uint256 private constant EARNED = uint256(BOND) + MAX_REWARD;

    // ---- withdraw

    function test_withdraw__credit__paid_once_to_whom_the_caller_says() public {
        _earn(alice);
        uint256 before = stranger.balance;
        vm.expectEmit(address(market));
        emit IModelSubmission.Withdrawn(alice, COIN, stranger, EARNED);
        vm.prank(alice);
        assertEq(market.withdraw(COIN, stranger), EARNED);

        assertEq(stranger.balance - before, EARNED);
        assertEq(creditOf(alice), 0);
        assertSolvent();
        vm.expectRevert(IModelSubmission.NothingToWithdraw.selector);
        vm.prank(alice);
        market.withdraw(COIN, alice);
    }

    function test_withdraw__nothing__reverts() public {
        _earn(alice);
        vm.expectRevert(IModelSubmission.NothingToWithdraw.selector);
        vm.prank(stranger);
        market.withdraw(COIN, stranger);
        vm.expectRevert(IModelSubmission.NothingToWithdraw.selector);
        vm.prank(alice);
        market.withdraw(address(token), alice);
    }

    function test_withdraw__to_zero__reverts() public {
        _earn(alice);
        vm.expectRevert(IModelSubmission.ZeroAddress.selector);
        vm.prank(alice);
        market.withdraw(COIN, address(0));
    }

    function test_withdrawFor__anyone__pays_the_account_itself() public {
        _earn(alice);
        uint256 before = alice.balance;
        vm.expectEmit(address(market));
        emit IModelSubmission.Withdrawn(alice, COIN, alice, EARNED);
        vm.prank(stranger);
        assertEq(market.withdrawFor(alice, COIN), EARNED);
        assertEq(alice.balance - before, EARNED);
        assertEq(creditOf(alice), 0);
        assertSolvent();

        vm.expectRevert(IModelSubmission.NothingToWithdraw.selector);
        vm.prank(stranger);
        market.withdrawFor(alice, COIN);
    }

    function test_withdrawFor__token__paid_in_it() public {
        asset = address(token);
        _earn(alice);
        uint256 before = token.balanceOf(alice);
        vm.prank(stranger);
        assertEq(market.withdrawFor(alice, address(token)), EARNED);
        assertEq(token.balanceOf(alice) - before, EARNED);
        assertSolvent();
    }

    /// @dev A receiver that cannot be paid blocks no other account, and can name another address.
    function test_withdraw__refusing_receiver__keeps_the_credit() public {
        RefusingReceiver receiver = new RefusingReceiver();
        vm.deal(address(receiver), 1 ether);
        accounts.push(address(receiver));
        _earn(address(receiver)); // settling transfers nothing, so a receiver cannot make it fail

        vm.expectRevert(Tokens.TransferFailed.selector);
        receiver.withdraw(market, address(receiver));
        vm.expectRevert(Tokens.TransferFailed.selector);
        market.withdrawFor(address(receiver), COIN);
        assertEq(creditOf(address(receiver)), EARNED);
        assertSolvent();

        receiver.withdraw(market, stranger);
        assertEq(creditOf(address(receiver)), 0);
        assertSolvent();
    }

    function test_withdraw__reentering_receiver__fails_whole() public {
        ReenteringReceiver receiver = new ReenteringReceiver(market, false);
        vm.deal(address(receiver), 1 ether);
        _earn(address(receiver));
        vm.expectRevert(Tokens.TransferFailed.selector);
        receiver.withdraw();
        assertEq(creditOf(address(receiver)), EARNED);
    }

    function test_withdraw__reentering_receiver_that_swallows__is_paid_once() public {
        _earn(alice); // another account's money, which an attack could take
        ReenteringReceiver receiver = new ReenteringReceiver(market, true);
        vm.deal(address(receiver), 1 ether);
        _earn(address(receiver));
        receiver.withdraw();
        assertEq(receiver.received(), EARNED);
        assertEq(receiver.creditWhilePaid(), 0); // the effects come before the payment, with or without the guard
        assertSolvent();
    }

    function test_coin_sent_without_a_call__refused() public {
        vm.prank(stranger);
        (bool accepted,) = address(market).call{value: 1}("");
        assertFalse(accepted, "a plain transfer would belong to no account");
    }

    // ---- tokens in

    function test_token__with_value__reverts() public {
        asset = address(token);
        uint40 projectId = openProject();
        ProjectParams memory params = defaultParams();
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, 1, 0));
        market.topUp{value: 1}(projectId, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, BOND, 0));
        market.commit{value: BOND}(projectId, 0);
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, 1, 0));
        market.createProject{value: 1}(params);
        vm.stopPrank();
    }

    function test_token__no_allowance__reverts() public {
        asset = address(token);
        uint40 projectId = openProject();
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, BOND)
        );
        commit(projectId, treasury, BETTER);
    }

    function test_token__topUp__collected() public {
        asset = address(token);
        uint40 projectId = openProject();
        uint256 before = token.balanceOf(stranger);
        vm.prank(stranger);
        market.topUp(projectId, 7, 11);
        assertEq(before - token.balanceOf(stranger), 18);
        assertFree(projectId, POOL + 7, BUDGET - FEE + 11);
        assertSolvent();
    }

    function test_token__beside_the_coin__books_stay_apart() public {
        uint40 inCoin = openProject();
        submit(inCoin, bob, BETTER);
        asset = address(token);
        uint40 inToken = openProject();
        submit(inToken, alice, BETTER);
        settleMissed(inToken);
        settleImproved(inCoin);
        assertEq(market.creditOf(alice, address(token)), BOND - FEE);
        assertEq(market.creditOf(alice, COIN), 0);
        assertEq(market.creditOf(bob, COIN), EARNED);
        assertEq(market.creditOf(bob, address(token)), 0);
        assertSolvent();
    }

    /// @dev Attack: with a token that takes a fee on transfers, the contract would owe more than it holds.
    function test_token__taxed_on_transfer__refused() public {
        TaxedToken taxed = new TaxedToken();
        _allow(address(taxed));
        fund(owner, PlainToken(address(taxed)));
        ProjectParams memory params = defaultParams();
        params.token = address(taxed);
        uint256 due = POOL + BUDGET;
        vm.expectRevert(abi.encodeWithSelector(Tokens.WrongValue.selector, due - 1, due));
        vm.prank(owner);
        market.createProject(params);
        assertEq(market.projectCount(), 0);
        assertEq(market.escrowOf(address(taxed)), 0);
    }

    // ---- a token that calls back

    /// @dev During a transfer, neither accounts nor the hook can enter: an account that is paid cannot post a certificate.
    function test_callback__any_call__refused_within_a_transfer() public {
        uint40 inCoin = openProject();
        submit(inCoin, alice, BETTER);
        CallbackToken callback = new CallbackToken();
        _allow(address(callback));
        fund(owner, PlainToken(address(callback)));
        fund(stranger, PlainToken(address(callback)));
        asset = address(callback);
        uint40 projectId = openProject();

        bytes[10] memory toMarket = [
            abi.encodeCall(market.withdraw, (COIN, stranger)),
            abi.encodeCall(market.withdrawFor, (performer, COIN)),
            abi.encodeCall(market.topUp, (inCoin, 0, 0)),
            abi.encodeCall(market.commit, (inCoin, 0)),
            abi.encodeCall(market.reveal, (inCoin, 1, BETTER, SALT)),
            abi.encodeCall(market.advance, (inCoin, 1)),
            abi.encodeCall(market.release, (inCoin, 1)),
            abi.encodeCall(market.closeProject, (inCoin)),
            abi.encodeCall(market.withdrawEscrow, (inCoin)),
            abi.encodeCall(market.createProject, (defaultParams()))
        ];
        for (uint256 i = 0; i < toMarket.length; ++i) {
            _expectRefusedWithin(callback, projectId, address(market), toMarket[i]);
        }
        bytes[5] memory toCenter = [
            abi.encodeCall(center.settle, (verdictOf(inCoin, Code.VALID, 0, 5_000, 4_000))),
            abi.encodeCall(center.expire, (inCoin, 1)),
            abi.encodeCall(center.dispute, (inCoin, 1, stranger)),
            abi.encodeCall(center.resolve, (inCoin, 1, true)),
            abi.encodeCall(center.payOperator, (attester, new FeeShare[](0)))
        ];
        for (uint256 i = 0; i < toCenter.length; ++i) {
            _expectRefusedWithin(callback, projectId, address(center), toCenter[i]);
        }
    }

    // ---- all operators leave

    /// @dev Invariant 5: without any operator, time and calls that anyone may make turn all money into credits.
    function test_exit__no_operator_ever_again__all_money_comes_out() public {
        uint40 projectId = openProject();
        submit(projectId, alice, BETTER); // EVALUATING
        submit(projectId, bob, "bafybob"); // REVEALED
        commit(projectId, alice, "bafyhidden"); // COMMITTED
        expireHead(projectId);
        skipBlocks(REVEAL_BLOCKS + 1);
        market.advance(projectId, 1);
        expireHead(projectId);
        center.setMood(FakeAttestationCenter.Mood.REFUSING); // too few operators are left to open bob's task
        skipBlocks(OPEN_TIMEOUT + 1);
        vm.startPrank(stranger);
        market.advance(projectId, 9);
        vm.roll(OPEN_UNTIL);
        market.closeProject(projectId);
        vm.roll(OPEN_UNTIL + market.ESCROW_GRACE());
        market.withdrawEscrow(projectId);
        vm.stopPrank();

        assertStatus(projectId, ProjectStatus.CLOSED);
        assertFinal(projectId, 1, Outcome.EXPIRED);
        assertEq(creditOf(owner), POOL + BUDGET - FEE);
        assertEq(creditOf(alice), BOND);
        assertEq(creditOf(bob), BOND);
        assertEq(creditOf(treasury), BOND);
        assertEq(escrowedIn(COIN), 0);
        assertSolvent();
    }

    // ---- helpers

    /// @dev One IMPROVED submission: credit EARNED.
    function _earn(address contributor) private {
        uint40 projectId = openProject();
        submit(projectId, contributor, BETTER);
        settleImproved(projectId);
    }

    function _allow(address money) private {
        vm.prank(timelock);
        market.setToken(money, 1);
    }

    function _expectRefusedWithin(CallbackToken callback, uint40 projectId, address target, bytes memory call) private {
        callback.setCallback(target, call);
        vm.prank(stranger);
        market.topUp(projectId, 1, 0);
        callback.setCallback(address(0), "");
        assertFalse(callback.succeeded(), "the market was entered twice");
        assertEq(callback.reason(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }
}
