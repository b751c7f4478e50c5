// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Quorum} from "../../src/libraries/Quorum.sol";
import {Test} from "../support/Test.sol";

contract QuorumTest is Test {
    uint16 private constant BPS = 6_600;

    function test_quorum__table_of_the_specification__holds() public pure {
        checkRow({total: 3, approve: 2, reject: 2});
        checkRow({total: 50, approve: 34, reject: 17});
        checkRow({total: 100, approve: 67, reject: 34});
    }

    function test_isAllowed__edges__6600_to_9000() public pure {
        assertFalse(Quorum.isAllowed(6_599), "below");
        assertTrue(Quorum.isAllowed(6_600), "lowest");
        assertTrue(Quorum.isAllowed(9_000), "highest");
        assertFalse(Quorum.isAllowed(9_001), "above");
    }

    function testFuzz_quorum__one_vote__never_both(uint96 total, uint96 signed, uint16 quorumBps) public pure {
        vm.assume(total != 0);
        quorumBps = uint16(bound(quorumBps, Quorum.MIN_BPS, Quorum.MAX_BPS));
        signed = uint96(bound(signed, 0, total));
        bool isApproved = Quorum.isApproved(signed, total, quorumBps);
        bool isRejected = Quorum.isRejected(total - signed, total, quorumBps);
        assertTrue(isApproved != isRejected, "of all stake voting, exactly one side wins");
    }

    function testFuzz_isRejected__rejected__approval_impossible(uint96 total, uint96 rejected, uint16 quorumBps)
        public
        pure
    {
        quorumBps = uint16(bound(quorumBps, Quorum.MIN_BPS, Quorum.MAX_BPS));
        rejected = uint96(bound(rejected, 0, total));
        if (!Quorum.isRejected(rejected, total, quorumBps)) return;
        assertFalse(Quorum.isApproved(total - rejected, total, quorumBps), "approval still reachable");
    }

    function testFuzz_quorum__one_more_unit__monotonic(uint96 total, uint96 signed, uint16 quorumBps) public pure {
        quorumBps = uint16(bound(quorumBps, Quorum.MIN_BPS, Quorum.MAX_BPS));
        vm.assume(total > 1);
        signed = uint96(bound(signed, 0, total - 1));
        if (Quorum.isApproved(signed, total, quorumBps)) {
            assertTrue(Quorum.isApproved(signed + 1, total, quorumBps), "more stake removed the approval");
        }
        if (Quorum.isRejected(signed, total, quorumBps)) {
            assertTrue(Quorum.isRejected(signed + 1, total, quorumBps), "more stake removed the rejection");
        }
    }

    function checkRow(uint96 total, uint96 approve, uint96 reject) private pure {
        for (uint96 signed = 0; signed <= total; ++signed) {
            assertTrue(Quorum.isApproved(signed, total, BPS) == (signed >= approve), "approve row");
            assertTrue(Quorum.isRejected(signed, total, BPS) == (signed >= reject), "reject row");
        }
    }
}
