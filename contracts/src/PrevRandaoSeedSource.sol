// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";

import {ISeedSource} from "./interfaces/ISeedSource.sol";

/// @title PREVRANDAO of the last 8,191 blocks, proven by the block's header: BLOCKHASH for 256, then EIP-2935.
/// @dev The builder of a block can choose the block's hash among many at almost no cost, but not its PREVRANDAO: the
///      beacon chain's reveals before it fix that value. What the proposer can still do is to withhold its block.
contract PrevRandaoSeedSource is ISeedSource {
    /// @inheritdoc ISeedSource
    string public constant name = "prevrandao";

    /// @inheritdoc ISeedSource
    function randomnessOf(uint256 number, bytes calldata header) external view returns (bytes32 randomness) {
        bytes32 expected = Blockhash.blockHash(number);
        // Zero means that the block has no hash yet, that it is too old, or that the chain lacks EIP-2935.
        if (expected == 0) revert BlockHashUnavailable(number);
        bytes32 found = keccak256(header);
        if (found != expected) revert WrongHeader(number, expected, found);

        randomness = BlockHeader.getPrevRandao(header); // field 13; later forks append fields after it
        if (randomness == 0) revert NoRandomness(number); // a genesis block, or a chain without a beacon chain
    }
}
