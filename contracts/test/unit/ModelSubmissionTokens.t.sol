// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAdministration} from "../../src/interfaces/IAdministration.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Roles} from "../../src/libraries/Roles.sol";
import {ProjectParams} from "../../src/types/Types.sol";
import {PlainToken} from "../support/FakeTokens.sol";
import {MarketTest} from "../support/MarketTest.sol";

/// @dev The tokens that projects may use, and their least fees.
contract ModelSubmissionTokensTest is MarketTest {
    function test_setToken__new_token__allowed_with_its_least_fee() public {
        PlainToken another = new PlainToken();
        assertEq(market.minFeeOf(address(another)), 0);
        vm.expectEmit(address(market));
        emit IModelSubmission.TokenChanged(address(another), 77);
        _setToken(address(another), 77);
        assertEq(market.minFeeOf(address(another)), 77);
        assertEq(market.minFeeOf(address(token)), TOKEN_MIN_FEE);
        assertEq(market.minFeeOf(COIN), COIN_MIN_FEE);
    }

    /// @dev Each project keeps its own token, also after changes and additions.
    function test_setToken__several__projects_keep_theirs() public {
        PlainToken another = new PlainToken();
        _setToken(address(another), 77);
        fund(owner, another);
        uint40 inCoin = createProject(defaultParams());
        uint40 inToken = createProject(_paramsIn(address(token)));
        uint40 inAnother = createProject(_paramsIn(address(another)));
        _setToken(address(token), TOKEN_MIN_FEE + 1);
        _setToken(address(new PlainToken()), 5);

        assertEq(market.getProject(inCoin).token, COIN);
        assertEq(market.getProject(inToken).token, address(token));
        assertEq(market.getProject(inAnother).token, address(another));
        (address paidIn,) = market.feeOf(inAnother);
        assertEq(paidIn, address(another));
        assertEq(market.minFeeOf(address(another)), 77);
        assertEq(market.minFeeOf(COIN), COIN_MIN_FEE);
    }

    function test_setToken__changed__new_projects_pay_at_least_it() public {
        vm.expectEmit(address(market));
        emit IModelSubmission.TokenChanged(address(token), FEE + 1);
        _setToken(address(token), FEE + 1);
        assertEq(market.minFeeOf(address(token)), FEE + 1);
        ProjectParams memory params = _paramsIn(address(token));
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.BadParameter.selector, "fee"));
        market.createProject(params);
        _setToken(address(token), FEE);
        createProject(params);
    }

    function test_setToken__coin__can_be_changed_and_forbidden() public {
        _setToken(COIN, FEE + 1);
        assertEq(market.minFeeOf(COIN), FEE + 1);
        ProjectParams memory params = defaultParams();
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.BadParameter.selector, "fee"));
        market.createProject(params);
        _setToken(COIN, 0);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TokenNotAllowed.selector, COIN));
        market.createProject(params);
        _setToken(COIN, FEE);
        createProject(params);
        assertEq(market.minFeeOf(address(token)), TOKEN_MIN_FEE);
    }

    /// @dev Forbidding a token must not block the projects that use it.
    function test_setToken__forbidden__running_projects_go_on() public {
        asset = address(token);
        uint40 projectId = openProject();
        _setToken(address(token), 0);
        assertEq(market.minFeeOf(address(token)), 0);

        submit(projectId, alice, BETTER);
        settleImproved(projectId);
        vm.prank(alice);
        assertEq(market.withdraw(address(token), alice), BOND + MAX_REWARD);
        ProjectParams memory params = defaultParams();
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TokenNotAllowed.selector, address(token)));
        market.createProject(params);

        _setToken(address(token), FEE);
        createProject(params);
        assertSolvent();
    }

    /// @dev An unknown token must not pass as the coin, whose number in the list is 0.
    function test_createProject__unknown_token__reverts() public {
        ProjectParams memory params = _paramsIn(stranger);
        assertEq(market.minFeeOf(stranger), 0);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TokenNotAllowed.selector, stranger));
        market.createProject(params);
    }

    function test_setToken__added_as_forbidden__not_allowed() public {
        _setToken(stranger, 0);
        ProjectParams memory params = _paramsIn(stranger);
        vm.expectRevert(abi.encodeWithSelector(IModelSubmission.TokenNotAllowed.selector, stranger));
        market.createProject(params);
    }

    function test_setToken__without_the_role__reverts() public {
        address[3] memory others = [owner, guardian, treasury];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAdministration.MissingRole.selector, others[i], Roles.PARAMETERS));
            vm.prank(others[i]);
            market.setToken(address(token), 1);
        }
    }

    function _setToken(address money, uint96 minFee) private {
        vm.prank(timelock);
        market.setToken(money, minFee);
    }

    function _paramsIn(address money) private view returns (ProjectParams memory params) {
        params = defaultParams();
        params.token = money;
    }
}
