// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AvsLogic} from "../../src/AvsLogic.sol";
import {IAvsLogic} from "../../src/interfaces/IAvsLogic.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Verdict} from "../../src/types/Types.sol";
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
        verdict.evaluation.taskId = keccak256("task");
        verdict.performerReceiver = makeAddress("receiver");
        verdict.signedStake = 7;
        avsLogic.afterTaskSubmission(verdict);
        assertEq(abi.encode(market.verdictAt(0)), abi.encode(verdict));
    }

    function test_afterTaskExpiry__from_center__expires() public {
        avsLogic.afterTaskExpiry(keccak256("task"));
        assertEq(market.expiredAt(0), keccak256("task"));
    }

    function test_payAttester__from_center__pays() public {
        (bytes32[] memory taskIds, uint96[] memory stakes) = shares();
        avsLogic.payAttester(makeAddress("receiver"), taskIds, stakes, stakes);
        RecordingMarket.Payment memory payment = market.paymentAt(0);
        assertEq(payment.caller, address(avsLogic));
        assertEq(payment.receiver, makeAddress("receiver"));
        assertEq(payment.taskId, taskIds[0]);
        assertEq(payment.stake, stakes[0]);
    }

    function test_calls__from_stranger__revert() public {
        (bytes32[] memory taskIds, uint96[] memory stakes) = shares();
        Verdict memory verdict;
        address stranger = makeAddress("stranger");
        bytes memory refusal = abi.encodeWithSelector(IAvsLogic.NotAttestationCenter.selector, stranger);
        vm.startPrank(stranger);

        vm.expectRevert(refusal);
        avsLogic.afterTaskSubmission(verdict);
        vm.expectRevert(refusal);
        avsLogic.afterTaskExpiry(0);
        vm.expectRevert(refusal);
        avsLogic.payAttester(stranger, taskIds, stakes, stakes);
    }

    function test_afterTaskSubmission__market_reverts__reverts() public {
        market.refuse();
        Verdict memory verdict;
        vm.expectRevert(RecordingMarket.Refused.selector);
        avsLogic.afterTaskSubmission(verdict);
    }

    function shares() private pure returns (bytes32[] memory taskIds, uint96[] memory stakes) {
        taskIds = new bytes32[](1);
        stakes = new uint96[](1);
        (taskIds[0], stakes[0]) = (keccak256("task"), 5);
    }
}
