// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Code, ProjectParams} from "../../src/types/Types.sol";
import {Drain} from "./Drain.sol";

/// @dev All actions, and the state that every sequence of them starts from: six operators in a sealed set, and one open
///      project for each money, so that short sequences get past the baselines.
contract Campaign is Drain {
    function setUp() external {
        setUpWorld();
        for (uint256 index = 0; index < FIRST_SEATS; ++index) {
            // forge-lint: disable-next-line(unsafe-typecast) A few coins.
            join(index, uint96(draw(index, 0, STAKE / 2, 2 * STAKE)));
        }
        wait(ACTIVATION_DELAY);
        sealSet();
        for (uint256 i = 0; i < monies.length; ++i) {
            openBaseline(monies[i], i);
        }
    }

    function openBaseline(address money, uint256 seed) private {
        ProjectParams memory params = randomParams(seed);
        params.token = money;
        params.openUntil = uint40(vm.getBlockNumber()) + 40_000;
        params.pool = 8 * params.maxReward;
        params.budget = 20 * params.fee;
        create(seed, params);
        (Post memory post,) = draft(seed);
        post.evaluation.code = Code.VALID;
        post.approved = true;
        post.bitmap = seals[post.version].occupied;
        require(submit(post, post.bitmap, true), "the baseline's certificate was refused");
    }

    /// @dev All that was reached so far: `fact=count;…`
    function report() external view returns (string memory text) {
        for (uint256 i = 0; i < facts.length; ++i) {
            text = string.concat(text, facts[i], "=", vm.toString(reached[facts[i]]), ";");
        }
    }
}
