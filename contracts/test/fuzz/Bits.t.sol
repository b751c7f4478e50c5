// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Bits} from "../../src/libraries/Bits.sol";
import {Test} from "../support/Test.sol";

/// @dev Each function compared with a loop over the 128 bits. A random set has about 64 slots: `sparse` thins it out.
contract BitsTest is Test {
    function testFuzz_count__any_set__as_a_loop(uint128 bits, uint256 seed) public pure {
        assertEq(Bits.count(bits), plainCount(bits));
        bits = sparse(bits, seed);
        assertEq(Bits.count(bits), plainCount(bits));
        assertEq(Bits.count(~bits), 128 - plainCount(bits));
    }

    function testFuzz_has__any_set__as_a_shift(uint128 bits, uint8 slot) public pure {
        slot = uint8(bound(slot, 0, 127));
        assertTrue(Bits.has(bits, slot) == plainHas(bits, slot), "has");
        assertTrue(Bits.has(bits | Bits.only(slot), slot), "has it");
        assertFalse(Bits.has(~Bits.only(slot), slot), "has all but it");
    }

    function testFuzz_rankOf__any_set__as_a_loop(uint128 bits, uint256 seed) public pure {
        bits = sparse(bits, seed);
        uint256 rank = 0;
        for (uint8 slot = 0; slot < 128; ++slot) {
            assertEq(Bits.rankOf(bits, slot), rank);
            if (plainHas(bits, slot)) ++rank;
        }
    }

    function testFuzz_select__any_set__as_a_loop(uint128 bits, uint256 seed) public pure {
        bits = sparse(bits, seed);
        uint256 number = 0;
        for (uint8 slot = 0; slot < 128; ++slot) {
            if (!plainHas(bits, slot)) continue;
            assertEq(Bits.select(bits, number), slot);
            ++number;
        }
    }

    function testFuzz_lowest_and_length__any_set__as_a_loop(uint128 bits, uint256 seed) public pure {
        checkEnds(bits);
        checkEnds(sparse(bits, seed));
        // forge-lint: disable-next-line(unsafe-typecast) Below 128.
        uint8 shift = uint8(seed % 128);
        checkEnds(bits >> shift);
        checkEnds(bits << shift);
    }

    function test_all__single_slots__exact() public pure {
        for (uint8 slot = 0; slot < 128; ++slot) {
            uint128 bit = Bits.only(slot);
            assertEq(bit, uint256(1) << slot);
            assertEq(Bits.count(bit), 1);
            assertEq(Bits.count(~bit), 127);
            assertEq(Bits.lowest(bit), slot);
            assertEq(Bits.select(bit, 0), slot);
            assertEq(Bits.length(bit), uint256(slot) + 1);
            assertEq(Bits.rankOf(type(uint128).max, slot), slot);
            assertEq(Bits.select(type(uint128).max, slot), slot);
            assertEq(Bits.rankOf(bit, slot), 0);
        }
    }

    function test_all__empty_and_full__exact() public pure {
        assertEq(Bits.count(0), 0);
        assertEq(Bits.length(0), 0);
        assertEq(Bits.count(type(uint128).max), 128);
        assertEq(Bits.length(type(uint128).max), 128);
        assertEq(Bits.lowest(type(uint128).max), 0);
    }

    // ---- plain code

    function checkEnds(uint128 bits) private pure {
        uint256 length = 0;
        uint256 lowest = 128;
        for (uint8 slot = 0; slot < 128; ++slot) {
            if (!plainHas(bits, slot)) continue;
            length = uint256(slot) + 1;
            if (lowest == 128) lowest = slot;
        }
        assertEq(Bits.length(bits), length);
        if (bits != 0) assertEq(Bits.lowest(bits), lowest);
    }

    function plainCount(uint128 bits) private pure returns (uint256 count) {
        for (uint8 slot = 0; slot < 128; ++slot) {
            if (plainHas(bits, slot)) ++count;
        }
    }

    function plainHas(uint128 bits, uint8 slot) private pure returns (bool) {
        return (uint256(bits) / (uint256(1) << slot)) % 2 == 1;
    }

    /// @dev A subset with about 64, 32, 16 or 8 slots of 128.
    function sparse(uint128 bits, uint256 seed) private pure returns (uint128) {
        for (uint256 i = 0; i < seed % 4; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast) Any 128 bits of the hash will do.
            bits &= uint128(uint256(keccak256(abi.encode(seed, i))));
        }
        return bits;
    }
}
