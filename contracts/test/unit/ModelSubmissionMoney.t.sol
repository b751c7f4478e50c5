// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Code, Outcome, ProjectParams, ProjectStatus} from "../../src/types/Types.sol";
import {CallbackToken, PlainToken, ReenteringReceiver, RefusingReceiver, TaxedToken} from "../support/FakeTokens.sol";
import {FakeAttestationCenter} from "../support/FakeAttestationCenter.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev Money in and out: several kinds of token, hostile receivers, the allow-list.
contract ModelSubmissionMoneyTest is MarketTest {
    // ---- withdraw

    function test_withdraw__credit__paid_once_to_whom_the_caller_says() public {
        _earn(alice);
        vm.expectEmit(address(market));
        emit IModelSubmission.Withdrawn(alice, COIN, stranger, BOND + MAX_REWARD);
        uint256 before = stranger.balance;
        vm.prank(alice);
        assertEq(market.withdraw(COIN, stranger), BOND + MAX_REWARD);

        assertEq(stranger.balance - before, BOND + MAX_REWARD);
        assertEq(coinCreditOf(alice), 0);
        assertSolvent(COIN);
        vm.expectRevert(IModelSubmission.NothingToWithdraw.selector);
        vm.prank(alice);
        market.withdraw(COIN, alice);
    }

    function test_withdraw__nothing__reverts() public {
        _earn(alice);
        vm.expectRevert(IModelSubmission.NothingToWithdraw.selector);
        vm.prank(stranger);
        market.withdraw(COIN, stranger);
    }

    function test_withdraw__another_token__reverts() public {
        _earn(alice);
        PlainToken token = new PlainToken();
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

    /// @dev A receiver that cannot be paid blocks no other account, and can name another address.
    function test_withdraw__refusing_receiver__keeps_the_credit() public {
        RefusingReceiver receiver = new RefusingReceiver();
        vm.deal(address(receiver), 1 ether);
        _earn(address(receiver)); // settling transfers nothing, so a receiver cannot make it fail

        vm.expectRevert(IModelSubmission.TransferFailed.selector);
        receiver.withdraw(market, address(receiver));
        assertEq(coinCreditOf(address(receiver)), BOND + MAX_REWARD);

        receiver.withdraw(market, stranger);
        assertEq(coinCreditOf(address(receiver)), 0);
        assertSolvent(COIN);
    }

    function test_withdraw__reentering_receiver__fails_whole() public {
        ReenteringReceiver receiver = new ReenteringReceiver(market, false);
        vm.deal(address(receiver), 1 ether);
        _earn(address(receiver));
        vm.expectRevert(IModelSubmission.TransferFailed.selector);
        receiver.withdraw();
        assertEq(coinCreditOf(address(receiver)), BOND + MAX_REWARD);
    }

    function test_withdraw__reentering_receiver_that_swallows__is_paid_once() public {
        _earn(alice); // another account's money, which an attack could take
        ReenteringReceiver receiver = new ReenteringReceiver(market, true);
        vm.deal(address(receiver), 1 ether);
        _earn(address(receiver));
        receiver.withdraw();
        assertEq(receiver.received(), BOND + MAX_REWARD);
        assertEq(receiver.creditWhilePaid(), 0); // the effects come before the payment, with or without the guard
        assertSolvent(COIN);
    }

    function test_coin_sent_without_a_call__refused() public {
        vm.prank(stranger);
        (bool accepted,) = address(market).call{value: 1}("");
        assertFalse(accepted, "a plain transfer would belong to no account");
    }

    // ---- ERC-20 projects

    function test_erc20__whole_life__amounts_in_the_token_only() public {
        PlainToken token = _allowedToken();
        uint256 projectId = _openIn(token);
        uint32 index = _submitIn(token, projectId, alice, BETTER);
        settleImproved(projectId);
        assertFinal(projectId, index, Outcome.IMPROVED);
        assertEq(market.creditOf(alice, address(token)), BOND + MAX_REWARD);
        assertEq(coinCreditOf(alice), 0);
        assertEq(market.creditOf(performer, address(token)), 2 * PERFORMER_FEE);
        assertSolvent(address(token));
        assertSolvent(COIN);

        vm.prank(alice);
        market.withdraw(address(token), bob);
        assertEq(token.balanceOf(bob), BOND + MAX_REWARD);
        assertSolvent(address(token));
    }

    function test_erc20__beside_a_coin_project__books_stay_apart() public {
        PlainToken token = _allowedToken();
        uint256 inToken = _openIn(token);
        uint256 inCoin = openProject();
        _submitIn(token, inToken, alice, BETTER);
        submit(inCoin, bob, BETTER);
        settleMissed(inToken);
        settleImproved(inCoin);
        assertEq(market.creditOf(alice, address(token)), BOND - FEE);
        assertEq(coinCreditOf(bob), BOND + MAX_REWARD);
        assertEq(market.creditOf(bob, address(token)), 0);
        assertSolvent(address(token));
        assertSolvent(COIN);
    }

    function test_erc20__with_value__reverts() public {
        PlainToken token = _allowedToken();
        uint256 projectId = _openIn(token);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WrongValue.selector, 1, 0));
        market.topUp{value: 1}(projectId, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WrongValue.selector, BOND, 0));
        market.commit{value: BOND}(projectId, 0);
        ProjectParams memory params = _paramsIn(address(token));
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WrongValue.selector, 1, 0));
        market.createProject{value: 1}(params);
    }

    function test_erc20__no_allowance__reverts() public {
        PlainToken token = _allowedToken();
        uint256 projectId = _openIn(token);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, BOND)
        );
        vm.prank(stranger);
        market.commit(projectId, 0);
    }

    function test_erc20__topUp__collected() public {
        PlainToken token = _allowedToken();
        uint256 projectId = _openIn(token);
        token.mint(stranger, 18);
        vm.startPrank(stranger);
        token.approve(address(market), 18);
        market.topUp(projectId, 7, 11);
        vm.stopPrank();
        assertEq(market.getProject(projectId).poolFree, POOL + 7);
        assertSolvent(address(token));
    }

    /// @dev Attack: with a token that takes a fee on transfers, the contract would owe more than it holds.
    function test_erc20__taxed_on_transfer__refused() public {
        TaxedToken token = new TaxedToken();
        vm.prank(timelock);
        market.allowToken(address(token), true);
        token.mint(owner, POOL + BUDGET);
        ProjectParams memory params = _paramsIn(address(token));
        vm.startPrank(owner);
        token.approve(address(market), POOL + BUDGET);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.WrongValue.selector, POOL + BUDGET - 1, POOL + BUDGET));
        market.createProject(params);
        vm.stopPrank();
        assertEq(market.projectCount(), 0);
        assertEq(market.escrowOf(address(token)), 0);
    }

    // ---- a token that calls back

    function test_callback__deposits_and_withdrawals__refused_within_a_transfer() public {
        CallbackToken token = new CallbackToken();
        uint256 inCoin = openProject();
        uint256 projectId = _openIn(PlainToken(address(token)));
        bytes[8] memory calls = [
            abi.encodeCall(market.withdraw, (COIN, stranger)),
            abi.encodeCall(market.topUp, (inCoin, 0, 0)),
            abi.encodeCall(market.commit, (inCoin, 0)),
            abi.encodeCall(market.reveal, (inCoin, 1, BETTER, SALT)),
            abi.encodeCall(market.advance, (inCoin, 1)),
            abi.encodeCall(market.closeProject, (inCoin)),
            abi.encodeCall(market.withdrawEscrow, (inCoin)),
            abi.encodeCall(market.createProject, (defaultParams()))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            token.setCallback(address(market), calls[i]);
            token.mint(stranger, 1);
            vm.startPrank(stranger);
            token.approve(address(market), 1);
            market.topUp(projectId, 1, 0);
            vm.stopPrank();
            assertFalse(token.succeeded(), "the market was entered twice");
            assertEq(token.reason(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        }
    }

    /// @dev The hook's calls are guarded too: an account that is paid cannot post a certificate during the payment.
    function test_callback__verdicts__refused_within_a_transfer() public {
        CallbackToken token = new CallbackToken();
        uint256 inCoin = openProject();
        submit(inCoin, alice, BETTER);
        bytes32 taskId = headTask(inCoin);
        uint256 projectId = _openIn(PlainToken(address(token)));
        bytes[3] memory calls = [
            abi.encodeCall(center.settle, (verdictOf(taskId, Code.VALID, 0, 5_000, 4_000))),
            abi.encodeCall(center.expire, (taskId)),
            abi.encodeCall(center.payAttester, (attester, new bytes32[](0), new uint96[](0), new uint96[](0)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            token.setCallback(address(center), calls[i]);
            token.mint(stranger, 1);
            vm.startPrank(stranger);
            token.approve(address(market), 1);
            market.topUp(projectId, 1, 0);
            vm.stopPrank();
            assertFalse(token.succeeded(), "the market was entered twice");
            assertEq(token.reason(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        }
    }

    // ---- allow-list

    function test_allowToken__timelock__allows_and_forbids() public {
        vm.expectEmit(address(market));
        emit IModelSubmission.TokenAllowed(stranger, true);
        vm.prank(timelock);
        market.allowToken(stranger, true);
        assertTrue(market.isTokenAllowed(stranger), "allowed");
        vm.prank(timelock);
        market.allowToken(stranger, false);
        assertFalse(market.isTokenAllowed(stranger), "forbidden");
    }

    function test_allowToken__anybody_else__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, owner));
        vm.prank(owner);
        market.allowToken(stranger, true);
    }

    function test_allowToken__the_coin__reverts() public {
        vm.expectRevert(IModelSubmission.ZeroAddress.selector);
        vm.prank(timelock);
        market.allowToken(COIN, false);
    }

    /// @dev Forbidding a token must not block the projects that use it.
    function test_allowToken__forbidden_later__running_projects_go_on() public {
        PlainToken token = _allowedToken();
        uint256 projectId = _openIn(token);
        vm.prank(timelock);
        market.allowToken(address(token), false);

        _submitIn(token, projectId, alice, BETTER);
        settleImproved(projectId);
        vm.prank(alice);
        assertEq(market.withdraw(address(token), alice), BOND + MAX_REWARD);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TokenNotAllowed.selector, address(token)));
        market.createProject(_paramsIn(address(token)));
    }

    // ---- all operators leave

    /// @dev Invariant 5: without any operator, time and calls that anyone may make turn all money into credits.
    function test_exit__no_operator_ever_again__all_money_comes_out() public {
        uint256 projectId = openProject();
        submit(projectId, alice, BETTER); // EVALUATING
        submit(projectId, bob, "bafybob"); // REVEALED
        commit(projectId, alice, "bafyhidden"); // COMMITTED
        expireHead(projectId);
        skipBlocks(REVEAL_BLOCKS + 1);
        market.advance(projectId, 1);
        expireHead(projectId);
        center.setMood(FakeAttestationCenter.Mood.REFUSING); // too few operators are left to open bob's task
        skipBlocks(OPEN_TIMEOUT + 1);
        vm.prank(stranger);
        market.advance(projectId, 9);
        vm.roll(OPEN_UNTIL);
        vm.prank(stranger);
        market.closeProject(projectId);
        vm.prank(owner);
        market.withdrawEscrow(projectId);

        assertStatus(projectId, ProjectStatus.CLOSED);
        assertEq(coinCreditOf(owner), POOL + BUDGET - FEE);
        assertEq(coinCreditOf(alice), BOND);
        assertEq(coinCreditOf(bob), BOND);
        assertEq(coinCreditOf(treasury), BOND);
        assertEq(escrowedIn(COIN), 0);
        assertSolvent(COIN);
    }

    // ---- helpers

    /// @dev One IMPROVED submission: credit BOND + MAX_REWARD.
    function _earn(address contributor) private {
        uint256 projectId = openProject();
        submit(projectId, contributor, BETTER);
        settleImproved(projectId);
    }

    function _allowedToken() private returns (PlainToken token) {
        token = new PlainToken();
        vm.prank(timelock);
        market.allowToken(address(token), true);
    }

    function _paramsIn(address token) private pure returns (ProjectParams memory params) {
        params = defaultParams();
        params.token = token;
    }

    function _openIn(PlainToken token) private returns (uint256 projectId) {
        vm.prank(timelock);
        market.allowToken(address(token), true);
        token.mint(owner, POOL + BUDGET);
        vm.startPrank(owner);
        token.approve(address(market), POOL + BUDGET);
        projectId = market.createProject(_paramsIn(address(token)));
        vm.stopPrank();
        settleHead(projectId, Code.VALID, 0, 0, 0);
    }

    function _submitIn(IERC20 token, uint256 projectId, address contributor, string memory cid)
        private
        returns (uint32 index)
    {
        PlainToken(address(token)).mint(contributor, BOND);
        vm.startPrank(contributor);
        token.approve(address(market), BOND);
        index = market.commit(projectId, commitmentOf(projectId, contributor, cid));
        vm.stopPrank();
        reveal(projectId, index, contributor, cid);
    }
}
