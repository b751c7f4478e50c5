// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "./Test.sol";

/// @dev Block headers for forge's chain, which has none: 21 fields of 32 bytes, of which only field 13, PREVRANDAO, says
///      anything. `test/unit/PrevRandaoSeedSource.t.sol` proves real headers.
abstract contract Headers is Test {
    uint256 private constant FIELDS = 21;
    uint256 private constant PREVRANDAO = 13;

    /// @dev Give a past block its header's hash.
    function makeHeader(uint256 number) internal {
        vm.setBlockhash(number, keccak256(headerOf(number)));
    }

    function headerOf(uint256 number) internal pure returns (bytes memory) {
        return headerWith(number, randaoOf(number));
    }

    /// @dev RLP: a list of 21 × 33 = 693 bytes.
    function headerWith(uint256 number, bytes32 randao) internal pure returns (bytes memory header) {
        header = hex"f902b5";
        for (uint256 field = 0; field < FIELDS; ++field) {
            bytes32 value = field == PREVRANDAO ? randao : keccak256(abi.encode("field", number, field));
            header = bytes.concat(header, hex"a0", value);
        }
    }

    function randaoOf(uint256 number) internal pure returns (bytes32) {
        return keccak256(abi.encode("randao", number));
    }
}
