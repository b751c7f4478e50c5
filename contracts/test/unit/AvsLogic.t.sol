// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AvsLogic} from "../../src/AvsLogic.sol";
import {IAvsLogic} from "../../src/interfaces/IAvsLogic.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {FeeShare, Verdict} from "../../src/types/Types.sol";
import {RecordingMarket} from "../support/RecordingMarket.sol";
import {Test} from "../support/Test.sol";

contract AvsLogicTest is Test {
    RecordingMarket private market;
    AvsLogic private avsLogic;

    function setUp() public {
        market = new RecordingMarket();
        avsLogic = new AvsLogic(address(this), IModelSubmission(address(market)));
    }

    function test_constructor__any__keeps_addresses() public view {
        assertEq(avsLogic.attestationCenter(), address(this));
        assertEq(address(avsLogic.modelSubmission()), address(market));
    }

    function test_afterTaskSubmission__from_center__settles() public {
        Verdict memory verdict;
        verdict.projectId = 9;
        verdict.submissionIndex = 5;
        verdict.evaluation.taskId = keccak256("task");
        verdict.isAggregatorPaid = true;
        verdict.signedStake = 7;
        avsLogic.afterTaskSubmission(verdict);
        assertEq(abi.encode(market.verdictAt(0)), abi.encode(verdict));
    }

    function test_afterTaskExpiry__from_center__expires() public {
        avsLogic.afterTaskExpiry(9, 5);
        checkPlace(market.expiredAt(0));
    }

    function test_afterDispute__from_center__passes_the_bond() public {
        vm.deal(address(this), 3);
        avsLogic.afterDispute{value: 3}(9, 5, makeAddress("disputer"));
        checkPlace(market.disputeAt(0).place);
        assertEq(market.disputeAt(0).disputer, makeAddress("disputer"));
        assertEq(market.disputeAt(0).bond, 3);
        assertEq(address(market).balance, 3);
    }

    function test_afterResolution__from_center__returns_the_disputer() public {
        avsLogic.afterDispute(9, 5, makeAddress("disputer"));
        assertEq(avsLogic.afterResolution(9, 5, true), makeAddress("disputer"));
        assertEq(avsLogic.afterResolution(9, 5, false), makeAddress("disputer"));
        checkPlace(market.resolutionAt(0).place);
        assertTrue(market.resolutionAt(0).isOverturned, "overturned");
        assertFalse(market.resolutionAt(1).isOverturned, "upheld");
    }

    function test_payOperator__from_center__pays() public {
        FeeShare[] memory shares = new FeeShare[](2);
        shares[0] = FeeShare(9, true, true, 4, 5, 7);
        shares[1] = FeeShare(10, false, false, 0, 6, 8);
        avsLogic.payOperator(makeAddress("receiver"), shares);
        for (uint256 i = 0; i < 2; ++i) {
            RecordingMarket.Payment memory payment = market.paymentAt(i);
            assertEq(payment.caller, address(avsLogic));
            assertEq(payment.receiver, makeAddress("receiver"));
            assertEq(abi.encode(payment.share), abi.encode(shares[i]));
        }
    }

    function test_calls__from_stranger__revert() public {
        Verdict memory verdict;
        address stranger = makeAddress("stranger");
        bytes memory refusal = abi.encodeWithSelector(IAvsLogic.NotAttestationCenter.selector, stranger);
        vm.startPrank(stranger);

        vm.expectRevert(refusal);
        avsLogic.afterTaskSubmission(verdict);
        vm.expectRevert(refusal);
        avsLogic.afterTaskExpiry(9, 5);
        vm.expectRevert(refusal);
        avsLogic.afterDispute(9, 5, stranger);
        vm.expectRevert(refusal);
        avsLogic.afterResolution(9, 5, true);
        vm.expectRevert(refusal);
        avsLogic.payOperator(stranger, new FeeShare[](1));
    }

    function test_calls__market_reverts__revert() public {
        market.refuse();
        Verdict memory verdict;
        vm.expectRevert(RecordingMarket.Refused.selector);
        avsLogic.afterTaskSubmission(verdict);
        vm.expectRevert(RecordingMarket.Refused.selector);
        avsLogic.afterTaskExpiry(9, 5);
        vm.expectRevert(RecordingMarket.Refused.selector);
        avsLogic.afterDispute(9, 5, address(this));
        vm.expectRevert(RecordingMarket.Refused.selector);
        avsLogic.afterResolution(9, 5, true);
    }

    function checkPlace(RecordingMarket.Place memory place) private pure {
        assertEq(place.projectId, 9);
        assertEq(place.index, 5);
    }
}
