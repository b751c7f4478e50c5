// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "./Test.sol";

/// @dev Reads a file of `tests/golden`: an object of arrays of flat objects; numbers are 32-byte words in hex.
abstract contract Golden is Test {
    string private _json;

    function loadGolden(string memory name) internal {
        _json = vm.readFile(string.concat("../tests/golden/", name));
    }

    /// @dev Fails if the group is missing or empty: otherwise the test of a renamed group would pass.
    function countOf(string memory group) internal view returns (uint256 count) {
        while (vm.keyExistsJson(_json, pathOf(group, count))) ++count;
        assertTrue(count != 0, string.concat("no golden vectors: ", group));
    }

    function word(string memory group, uint256 index, string memory field) internal view returns (bytes32) {
        return vm.parseJsonBytes32(_json, pathOf(group, index, field));
    }

    function number(string memory group, uint256 index, string memory field) internal view returns (uint256) {
        return uint256(word(group, index, field));
    }

    function account(string memory group, uint256 index, string memory field) internal view returns (address) {
        return address(bytes20(octets(group, index, field)));
    }

    function octets(string memory group, uint256 index, string memory field) internal view returns (bytes memory) {
        return vm.parseJsonBytes(_json, pathOf(group, index, field));
    }

    function text(string memory group, uint256 index, string memory field) internal view returns (string memory) {
        return vm.parseJsonString(_json, pathOf(group, index, field));
    }

    function flag(string memory group, uint256 index, string memory field) internal view returns (bool) {
        return vm.parseJsonBool(_json, pathOf(group, index, field));
    }

    function pathOf(string memory group, uint256 index) private pure returns (string memory) {
        return string.concat(".", group, "[", vm.toString(index), "]");
    }

    function pathOf(string memory group, uint256 index, string memory field) private pure returns (string memory) {
        return string.concat(pathOf(group, index), ".", field);
    }
}
