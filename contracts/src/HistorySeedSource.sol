// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";

import {ISeedSource} from "./interfaces/ISeedSource.sol";

/// @title Block hashes of the last 8,191 blocks: BLOCKHASH for 256, then EIP-2935's history contract.
contract HistorySeedSource is ISeedSource {
    /// @inheritdoc ISeedSource
    function blockHash(uint256 number) external view returns (bytes32 hash) {
        hash = Blockhash.blockHash(number);
        // Zero means that the block has no hash yet, that it is too old, or that the chain lacks EIP-2935.
        if (hash == 0) revert BlockHashUnavailable(number);
    }
}
