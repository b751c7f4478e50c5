// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {ModelSubmission} from "../../src/ModelSubmission.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {
    Code,
    Evaluation,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    RewardRule,
    Submission,
    SubmissionStatus,
    Verdict
} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "./FakeAttestationCenter.sol";
import {Test} from "./Test.sol";

/// @dev The market with invented owners, contributors and operators, and amounts that do not divide evenly.
abstract contract MarketTest is Test {
    address internal constant COIN = address(0);
    uint32 internal constant MAX_PENDING = 4;
    uint32 internal constant OPEN_TIMEOUT = 100;
    uint32 internal constant REVEAL_BLOCKS = 20;
    uint64 internal constant OPEN_UNTIL = 10_000;

    uint128 internal constant POOL = 400_000;
    uint128 internal constant BUDGET = 20_000;
    uint128 internal constant MAX_REWARD = 70_001;
    uint128 internal constant RATE = 13;
    uint128 internal constant BOND = 5_009;
    uint128 internal constant FEE = 1_003;
    int64 internal constant MIN_GAIN = 1_000;
    int64 internal constant WORSE_TOLERANCE = 500;
    uint32 internal constant TOLERANCE = 2;

    // FEE = 1,003: 40 % and 10 % round down; a signed stake of 80 of 100 scales the aggregator's part.
    uint96 internal constant SIGNED = 80;
    uint96 internal constant TOTAL = 100;
    uint128 internal constant PERFORMER_FEE = 401;
    uint128 internal constant AGGREGATOR_FEE = 80;
    uint128 internal constant ATTESTERS_FEE = 522;
    uint128 internal constant ATTESTERS_FEE_WITHOUT_AGGREGATOR = 602;

    string internal constant ARCHITECTURE = "bafyarchitecture";
    string internal constant INITIAL = "bafyinitial";
    string internal constant EVALUATOR = "bafyevaluator";
    string internal constant BETTER = "bafybetter";
    bytes32 internal constant SALT = "salt";

    ModelSubmission internal market;
    FakeAttestationCenter internal center;

    address internal timelock = makeAddress("timelock");
    address internal treasury = makeAddress("treasury");
    address internal owner = makeAddress("owner");
    address internal alice = makeAddress("alice");
    address internal bob = makeAddress("bob");
    address internal stranger = makeAddress("stranger");
    address internal performer = makeAddress("performer");
    address internal aggregator = makeAddress("aggregator");
    address internal attester = makeAddress("attester");

    function setUp() public virtual {
        vm.roll(1_000);
        center = new FakeAttestationCenter();
        market = new ModelSubmission(
            address(center), IAttestationCenter(address(center)), treasury, timelock, MAX_PENDING, OPEN_TIMEOUT
        );
        center.wire(market);
        vm.deal(owner, 100 ether);
        vm.deal(alice, 100 ether);
        vm.deal(bob, 100 ether);
        vm.deal(stranger, 100 ether);
    }

    // ---- arrange

    function defaultParams() internal pure returns (ProjectParams memory) {
        return ProjectParams({
            architectureCid: ARCHITECTURE,
            parametersCid: INITIAL,
            evaluatorCid: EVALUATOR,
            token: COIN,
            pool: POOL,
            budget: BUDGET,
            rewardRule: RewardRule.FIXED,
            maxReward: MAX_REWARD,
            rewardRate: 0,
            bond: BOND,
            fee: FEE,
            minGain: MIN_GAIN,
            worseTolerance: WORSE_TOLERANCE,
            tolerance: TOLERANCE,
            rounds: 32,
            alphaPpm: 10_000,
            quorumBps: 6600,
            attemptBlocks: 50,
            revealBlocks: REVEAL_BLOCKS,
            openUntil: OPEN_UNTIL,
            ownerPaysMisses: false
        });
    }

    /// @dev A project in the coin whose baseline is being evaluated.
    function createProject(ProjectParams memory params) internal returns (uint256 projectId) {
        uint256 value = uint256(params.pool) + params.budget;
        vm.prank(owner);
        return market.createProject{value: value}(params);
    }

    /// @dev A project in the coin that accepts commits; its baseline scored 0 and cost one fee.
    function openProject(ProjectParams memory params) internal returns (uint256 projectId) {
        projectId = createProject(params);
        settleHead(projectId, Code.VALID, 0, 0, 0);
    }

    function openProject() internal returns (uint256) {
        return openProject(defaultParams());
    }

    function commitmentOf(uint256 projectId, address contributor, string memory cid) internal view returns (bytes32) {
        return Digests.commitment(block.chainid, address(market), projectId, contributor, cid, SALT);
    }

    function commit(uint256 projectId, address contributor, string memory cid) internal returns (uint32) {
        uint256 value = market.getProject(projectId).params.bond;
        vm.prank(contributor);
        return market.commit{value: value}(projectId, commitmentOf(projectId, contributor, cid));
    }

    function reveal(uint256 projectId, uint32 index, address contributor, string memory cid) internal {
        vm.prank(contributor);
        market.reveal(projectId, index, cid, SALT);
    }

    /// @dev Commit and reveal. The submission is EVALUATING at once if it is the head.
    function submit(uint256 projectId, address contributor, string memory cid) internal returns (uint32 index) {
        index = commit(projectId, contributor, cid);
        reveal(projectId, index, contributor, cid);
    }

    function settleHead(uint256 projectId, Code code, int64 champion, int64 challenger, int64 lowerBound) internal {
        center.settle(verdictOf(headTask(projectId), code, champion, challenger, lowerBound));
    }

    function settleImproved(uint256 projectId) internal {
        settleHead(projectId, Code.VALID, 10_000, 15_000, 4_000);
    }

    function settleMissed(uint256 projectId) internal {
        settleHead(projectId, Code.VALID, 10_000, 10_500, 999);
    }

    function expireHead(uint256 projectId) internal {
        center.expire(headTask(projectId));
    }

    function verdictOf(bytes32 taskId, Code code, int64 champion, int64 challenger, int64 lowerBound)
        internal
        view
        returns (Verdict memory)
    {
        return Verdict({
            evaluation: Evaluation({
                taskId: taskId,
                attempt: 0,
                performer: performer,
                inputHash: 0,
                code: code,
                championScore: champion,
                challengerScore: challenger,
                gainLowerBound: lowerBound,
                reportHash: 0
            }),
            performerReceiver: performer,
            aggregatorReceiver: aggregator,
            signedStake: SIGNED,
            totalStake: TOTAL
        });
    }

    function skipBlocks(uint256 count) internal {
        vm.roll(vm.getBlockNumber() + count);
    }

    // ---- read

    function headTask(uint256 projectId) internal view returns (bytes32) {
        return market.getSubmission(projectId, market.getProject(projectId).head).taskId;
    }

    function statusOf(uint256 projectId, uint32 index) internal view returns (SubmissionStatus) {
        return market.getSubmission(projectId, index).status;
    }

    function coinCreditOf(address account) internal view returns (uint256) {
        return market.creditOf(account, COIN);
    }

    // ---- assert

    function assertStatus(uint256 projectId, ProjectStatus expected) internal view {
        assertEq(uint256(market.getProject(projectId).status), uint256(expected));
    }

    function assertStatus(uint256 projectId, uint32 index, SubmissionStatus expected) internal view {
        assertEq(uint256(statusOf(projectId, index)), uint256(expected));
    }

    function assertFinal(uint256 projectId, uint32 index, Outcome expected) internal view {
        Submission memory submission = market.getSubmission(projectId, index);
        assertEq(uint256(submission.status), uint256(SubmissionStatus.FINAL));
        assertEq(uint256(submission.outcome), uint256(expected));
    }

    /// @dev Invariant 1 for one token: the balance, `escrowOf` and the sum of its parts are equal.
    function assertSolvent(address token) internal view {
        uint256 held = token == COIN ? address(market).balance : IERC20(token).balanceOf(address(market));
        uint256 parts = escrowedIn(token) + unclaimedIn(token) + creditedIn(token);
        assertEq(held, market.escrowOf(token));
        assertEq(parts, market.escrowOf(token));
    }

    /// @dev Pools, budgets and bonds, with what pending submissions have reserved.
    function escrowedIn(address token) internal view returns (uint256 sum) {
        for (uint256 id = 1; id <= market.projectCount(); ++id) {
            Project memory project = market.getProject(id);
            if (project.params.token != token) continue;
            uint256 pending = project.submissionCount - project.head;
            uint256 bonded = project.head == 0 ? 0 : pending; // a pending baseline has no bond and no reward
            sum += uint256(project.poolFree) + bonded * project.params.maxReward;
            sum += uint256(project.budgetFree) + pending * project.params.fee;
            sum += bonded * project.params.bond;
        }
    }

    function unclaimedIn(address token) internal view returns (uint256 sum) {
        bool[] memory isIn = new bool[](market.projectCount() + 1);
        for (uint256 id = 1; id < isIn.length; ++id) {
            isIn[id] = market.getProject(id).params.token == token;
        }
        for (uint256 i = 0; i < center.requestCount(); ++i) {
            bytes32 taskId = center.requestAt(i).taskId;
            (uint256 projectId,) = market.submissionOf(taskId);
            if (!isIn[projectId]) continue;
            (, uint128 unclaimed) = market.attesterFees(taskId);
            sum += unclaimed;
        }
    }

    function creditedIn(address token) internal view returns (uint256 sum) {
        address[8] memory accounts = [treasury, owner, alice, bob, stranger, performer, aggregator, attester];
        for (uint256 i = 0; i < accounts.length; ++i) {
            sum += market.creditOf(accounts[i], token);
        }
    }
}
