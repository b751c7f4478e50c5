// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Sets of slots: bit i of a uint128 is slot i.
library Bits {
    /// @notice Return the set with one slot.
    function only(uint8 slot) internal pure returns (uint128) {
        return uint128(1) << slot;
    }

    function has(uint128 bits, uint8 slot) internal pure returns (bool) {
        return (bits >> slot) & 1 == 1;
    }

    /// @notice Return the number of slots.
    /// @dev Sums neighbouring groups of 1, 2, 4 and 8 bits; the product then adds all bytes into the highest one.
    function count(uint128 bits) internal pure returns (uint256 sum) {
        unchecked {
            sum = bits;
            sum -= (sum >> 1) & 0x55555555555555555555555555555555;
            sum = (sum & 0x33333333333333333333333333333333) + ((sum >> 2) & 0x33333333333333333333333333333333);
            sum = (sum + (sum >> 4)) & 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
            sum = ((sum * 0x01010101010101010101010101010101) >> 120) & 0xff;
        }
    }

    /// @notice Return how many slots of the set are below `slot`.
    function rankOf(uint128 bits, uint8 slot) internal pure returns (uint256) {
        return count(bits & (only(slot) - 1));
    }

    /// @notice Return slot number `number` of the set, counted from 0. The set must have more than `number` slots.
    function select(uint128 bits, uint256 number) internal pure returns (uint8 slot) {
        for (uint8 width = 64; width > 0; width >>= 1) {
            uint256 below = count(bits & ((uint128(1) << width) - 1));
            if (number < below) continue;
            number -= below;
            bits >>= width;
            slot += width;
        }
    }

    /// @notice Return the lowest slot of a set that is not empty.
    function lowest(uint128 bits) internal pure returns (uint8) {
        return select(bits, 0);
    }

    /// @notice Return the highest slot plus 1; 0 for the empty set.
    function length(uint128 bits) internal pure returns (uint8 end) {
        for (uint8 width = 64; width > 0; width >>= 1) {
            if (bits >> width == 0) continue;
            bits >>= width;
            end += width;
        }
        // forge-lint: disable-next-line(unsafe-typecast) `bits` is 0 or 1 here.
        end += uint8(bits);
    }
}
