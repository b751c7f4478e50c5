// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "../support/Test.sol";
import {Campaign} from "./Campaign.sol";

/// @dev The ten invariants of `docs/protocol.md`, over all contracts together and all their users. Forge calls random
///      actions of `Campaign`, and checks after each. At the end of each sequence, all money has to come out.
contract ProtocolTest is Test {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Campaign private campaign;

    function setUp() public {
        campaign = new Campaign();
        campaign.setUp();
    }

    function invariant_1_money__any_history__is_somebodys() public view {
        campaign.checkMoney();
    }

    function invariant_2_tasks__any_history__end_once() public view {
        campaign.checkEnds();
    }

    function invariant_3_champion__any_history__moves_by_certificates() public view {
        campaign.checkChampions();
    }

    function invariant_4_votes__any_history__decide_one_way() public view {
        campaign.checkVotes();
    }

    function invariant_5_exits__any_history__stay_open() public view {
        campaign.checkExits();
    }

    function invariant_6_keys__any_history__register_once() public view {
        campaign.checkKeys();
    }

    function invariant_7_slashes__any_history__take_at_most_the_stake() public view {
        campaign.checkStakes();
    }

    function invariant_8_withdrawals__any_history__need_no_running_system() public view {
        campaign.checkWithdrawals();
    }

    function invariant_9_queues__any_history__keep_their_order() public view {
        campaign.checkQueues();
    }

    function invariant_10_claims__any_history__pay_at_most_the_fee() public view {
        campaign.checkFees();
    }

    /// @dev Called by forge after each sequence.
    function afterInvariant() public {
        string memory path = vm.envOr("CAMPAIGN_REPORT", "");
        if (bytes(path).length != 0) vm.writeLine(path, campaign.report());
        campaign.checkAll();
        campaign.drain();
    }

    /// @dev Tells forge which contract to call: only the actions, not the contracts that they call.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(campaign);
    }

    /// @dev Tells forge which functions to call there. What makes submissions final comes more often.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[54] memory actions = [
            campaign.actCreate.selector,
            campaign.actTopUp.selector,
            campaign.actClose.selector,
            campaign.actWithdrawEscrow.selector,
            campaign.actMetadata.selector,
            campaign.actCommit.selector,
            campaign.actCommit.selector,
            campaign.actCommit.selector,
            campaign.actCommit.selector,
            campaign.actReveal.selector,
            campaign.actReveal.selector,
            campaign.actDispute.selector,
            campaign.actDispute.selector,
            campaign.actRegister.selector,
            campaign.actRegisterAgain.selector,
            campaign.actIncreaseStake.selector,
            campaign.actRotate.selector,
            campaign.actReceiver.selector,
            campaign.actTransferOwner.selector,
            campaign.actDeregister.selector,
            campaign.actUnjail.selector,
            campaign.actComplete.selector,
            campaign.actReleaseSlot.selector,
            campaign.actSeal.selector,
            campaign.actApprove.selector,
            campaign.actApprove.selector,
            campaign.actApprove.selector,
            campaign.actApprove.selector,
            campaign.actReject.selector,
            campaign.actReject.selector,
            campaign.actSplitVote.selector,
            campaign.actForge.selector,
            campaign.actReplay.selector,
            campaign.actAdvance.selector,
            campaign.actAdvance.selector,
            campaign.actAdvance.selector,
            campaign.actAdvance.selector,
            campaign.actFixSeed.selector,
            campaign.actExpire.selector,
            campaign.actRelease.selector,
            campaign.actClaim.selector,
            campaign.actClaim.selector,
            campaign.actWithdraw.selector,
            campaign.actWithdrawStake.selector,
            campaign.actWait.selector,
            campaign.actResolve.selector,
            campaign.actResolve.selector,
            campaign.actProveConflict.selector,
            campaign.actPause.selector,
            campaign.actUnpause.selector,
            campaign.actSchedule.selector,
            campaign.actExecute.selector,
            campaign.actTrespass.selector,
            campaign.actMood.selector
        ];
        bytes4[] memory selectors = new bytes4[](actions.length);
        for (uint256 i = 0; i < actions.length; ++i) {
            selectors[i] = actions[i];
        }
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(campaign), selectors);
    }
}
