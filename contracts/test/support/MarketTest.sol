// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Administration} from "../../src/Administration.sol";
import {ModelSubmission} from "../../src/ModelSubmission.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {
    Code,
    Evaluation,
    FeeShare,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    RewardRule,
    RewardStatus,
    Submission,
    SubmissionStatus,
    Verdict,
    WithheldReward
} from "../../src/types/Types.sol";
import {FakeAttestationCenter, FakeGovernance} from "./FakeAttestationCenter.sol";
import {PlainToken} from "./FakeTokens.sol";
import {Test} from "./Test.sol";

/// @dev The market with invented owners, contributors and operators, and amounts that do not divide evenly.
abstract contract MarketTest is Test {
    address internal constant COIN = address(0);
    uint32 internal constant MAX_PENDING = 4;
    uint32 internal constant MAX_PENDING_PER_ACCOUNT = 2;
    uint32 internal constant OPEN_TIMEOUT = 100;
    uint16 internal constant MIN_ATTEMPT_BLOCKS = 10;
    uint24 internal constant MAX_DISPUTE_BLOCKS = 1_000;
    uint24 internal constant RESOLVE_BLOCKS = 300;
    uint96 internal constant DISPUTE_BOND = 7_919;
    uint96 internal constant COIN_MIN_FEE = 100;
    uint96 internal constant TOKEN_MIN_FEE = 250;
    uint64 internal constant UNBONDING_BLOCKS = 9_300; // 8,000 + MAX_DISPUTE_BLOCKS + RESOLVE_BLOCKS, the least allowed

    uint40 internal constant START = 1_000; // the block in which each test starts
    uint16 internal constant REVEAL_BLOCKS = 20;
    uint24 internal constant DISPUTE_BLOCKS = 200;
    uint40 internal constant OPEN_UNTIL = 10_000;
    uint96 internal constant POOL = 400_000;
    uint96 internal constant BUDGET = 20_000;
    uint96 internal constant MAX_REWARD = 70_001;
    uint96 internal constant RATE = 13;
    uint96 internal constant BOND = 5_009;
    uint96 internal constant FEE = 1_003;
    int64 internal constant MIN_GAIN = 1_000;
    int64 internal constant WORSE_TOLERANCE = 500;

    // FEE = 1,003 when the whole set signs and the poster has its turn: 40 % and 10 % round down.
    uint96 internal constant TOTAL = 100;
    uint96 internal constant PERFORMER_FEE = 401;
    uint96 internal constant AGGREGATOR_FEE = 100;
    uint96 internal constant ATTESTERS_FEE = 502;

    string internal constant ARCHITECTURE = "bafyarchitecture";
    string internal constant INITIAL = "bafyinitial";
    string internal constant EVALUATOR = "bafyevaluator";
    string internal constant METADATA = "bafymetadata";
    string internal constant BETTER = "bafybetter";
    bytes32 internal constant SALT = "salt";

    Administration internal administration;
    ModelSubmission internal market;
    FakeAttestationCenter internal center;
    PlainToken internal token;
    address internal asset = COIN; // what new projects of the test are paid in

    address internal timelock = makeAddress("timelock");
    address internal guardian = makeAddress("guardian");
    address internal treasury = makeAddress("treasury");
    address internal owner = makeAddress("owner");
    address internal alice = makeAddress("alice");
    address internal bob = makeAddress("bob");
    address internal carol = makeAddress("carol");
    address internal stranger = makeAddress("stranger");
    address internal performer = makeAddress("performer");
    address internal aggregator = makeAddress("aggregator");
    address internal attester = makeAddress("attester");
    address[] internal accounts; // all that can have a credit

    function setUp() public virtual {
        vm.roll(START);
        accounts = [treasury, owner, alice, bob, carol, stranger, performer, aggregator, attester];
        administration = new Administration(timelock, guardian, 1 days);
        center = new FakeAttestationCenter();
        market = deployMarket(defaultLimits(), UNBONDING_BLOCKS);
        center.setPayees(performer, aggregator);
        token = new PlainToken();
        vm.prank(timelock);
        market.setToken(address(token), TOKEN_MIN_FEE);
        address[5] memory payers = [owner, alice, bob, carol, stranger];
        for (uint256 i = 0; i < payers.length; ++i) {
            fund(payers[i], token);
        }
    }

    // ---- arrange

    function defaultLimits() internal pure returns (IModelSubmission.Limits memory) {
        return IModelSubmission.Limits({
            maxPending: MAX_PENDING,
            maxPendingPerAccount: MAX_PENDING_PER_ACCOUNT,
            openTimeout: OPEN_TIMEOUT,
            minAttemptBlocks: MIN_ATTEMPT_BLOCKS,
            minDisputeBlocks: 0,
            maxDisputeBlocks: MAX_DISPUTE_BLOCKS,
            resolveBlocks: RESOLVE_BLOCKS,
            disputeBond: DISPUTE_BOND,
            coinMinFee: COIN_MIN_FEE
        });
    }

    function deployMarket(IModelSubmission.Limits memory limits, uint64 unbonding) internal returns (ModelSubmission) {
        IAvsGovernance governance = wireMarket(unbonding);
        IAttestationCenter wired = IAttestationCenter(address(center));
        return new ModelSubmission(administration, governance, wired, address(center), treasury, limits);
    }

    /// @dev Wire the fakes to the contract that this one deploys next. Return the fake of AvsGovernance.
    function wireMarket(uint64 unbonding) internal returns (IAvsGovernance) {
        FakeGovernance governance = new FakeGovernance(unbonding);
        governance.wire(administration, address(center), center.verifier());
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        center.wire(IModelSubmission(next), administration, IAvsGovernance(address(governance)), treasury);
        return IAvsGovernance(address(governance));
    }

    /// @dev Enough coin and tokens for every test, with the tokens' allowance.
    function fund(address account, PlainToken money) internal {
        vm.deal(account, 100 ether);
        money.mint(account, 100 ether);
        vm.prank(account);
        money.approve(address(market), type(uint256).max);
    }

    /// @dev A project that pays rewards at once. `disputable` withholds them.
    function defaultParams() internal view returns (ProjectParams memory) {
        return ProjectParams({
            architectureCid: ARCHITECTURE,
            parametersCid: INITIAL,
            evaluatorCid: EVALUATOR,
            metadataCid: METADATA,
            token: asset,
            pool: POOL,
            budget: BUDGET,
            rewardRule: RewardRule.FIXED,
            maxReward: MAX_REWARD,
            rewardRate: 0,
            bond: BOND,
            fee: FEE,
            minGain: MIN_GAIN,
            worseTolerance: WORSE_TOLERANCE,
            tolerance: 2,
            rounds: 32,
            alphaPpm: 10_000,
            quorumBps: 6_700,
            seedDelay: 4,
            maxAttempts: 3,
            attemptBlocks: 50,
            revealBlocks: REVEAL_BLOCKS,
            disputeBlocks: 0,
            openUntil: OPEN_UNTIL,
            ownerPaysMisses: false
        });
    }

    function disputable() internal view returns (ProjectParams memory params) {
        params = defaultParams();
        params.disputeBlocks = DISPUTE_BLOCKS;
    }

    /// @dev A project whose baseline is being evaluated.
    function createProject(ProjectParams memory params) internal returns (uint40 projectId) {
        uint256 value = coinIn(params.token, uint256(params.pool) + params.budget);
        vm.prank(owner);
        // forge-lint: disable-next-line(unsafe-typecast) Projects are counted from 1.
        return uint40(market.createProject{value: value}(params));
    }

    /// @dev A project that accepts commits; its baseline scored 0 and cost one fee, all of it earned.
    function openProject(ProjectParams memory params) internal returns (uint40 projectId) {
        projectId = createProject(params);
        settleHead(projectId, Code.VALID, 0, 0, 0);
    }

    function openProject() internal returns (uint40) {
        return openProject(defaultParams());
    }

    function commitmentOf(uint40 projectId, address contributor, string memory cid) internal view returns (bytes32) {
        return Digests.commitment(block.chainid, address(market), projectId, contributor, cid, SALT);
    }

    /// @dev The project must be paid in `asset`, with the default bond.
    function commit(uint40 projectId, address contributor, string memory cid) internal returns (uint32) {
        vm.prank(contributor);
        return market.commit{value: coinIn(asset, BOND)}(projectId, commitmentOf(projectId, contributor, cid));
    }

    function reveal(uint40 projectId, uint32 index, address contributor, string memory cid) internal {
        vm.prank(contributor);
        market.reveal(projectId, index, cid, SALT);
    }

    /// @dev Commit and reveal. The submission is EVALUATING at once if it is the head.
    function submit(uint40 projectId, address contributor, string memory cid) internal returns (uint32 index) {
        index = commit(projectId, contributor, cid);
        reveal(projectId, index, contributor, cid);
    }

    function settleHead(uint40 projectId, Code code, int64 champion, int64 challenger, int64 lowerBound) internal {
        center.settle(verdictOf(projectId, code, champion, challenger, lowerBound));
    }

    function settleImproved(uint40 projectId) internal {
        settleHead(projectId, Code.VALID, 10_000, 15_000, 4_000);
    }

    function settleMissed(uint40 projectId) internal {
        settleHead(projectId, Code.VALID, 10_000, 10_500, 999);
    }

    function expireHead(uint40 projectId) internal {
        center.expire(projectId, market.getProject(projectId).head);
    }

    /// @dev A verdict over the head's task, signed by the whole set and posted in turn.
    function verdictOf(uint40 projectId, Code code, int64 champion, int64 challenger, int64 lowerBound)
        internal
        view
        returns (Verdict memory)
    {
        return Verdict({
            projectId: projectId,
            submissionIndex: market.getProject(projectId).head,
            evaluation: Evaluation({
                taskId: headTask(projectId),
                attempt: 0,
                performer: performer,
                inputHash: 0,
                code: code,
                championScore: champion,
                challengerScore: challenger,
                gainLowerBound: lowerBound,
                reportHash: 0
            }),
            isAggregatorPaid: true,
            signedShare: type(uint32).max,
            signedStake: TOTAL,
            totalStake: TOTAL
        });
    }

    function disputeBy(address disputer, uint40 projectId, uint32 index) internal {
        vm.deal(address(this), DISPUTE_BOND);
        center.dispute{value: DISPUTE_BOND}(projectId, index, disputer);
    }

    function payAttester(address receiver, uint40 projectId, bool isAggregatorPaid, uint96 stake) internal {
        FeeShare[] memory shares = new FeeShare[](1);
        shares[0] = attesterShare(projectId, isAggregatorPaid, stake);
        center.payOperator(receiver, shares);
    }

    function attesterShare(uint40 projectId, bool isAggregatorPaid, uint96 stake)
        internal
        pure
        returns (FeeShare memory)
    {
        return FeeShare(projectId, false, isAggregatorPaid, 0, stake, TOTAL);
    }

    /// @dev What AttestationCenter computes of `TOTAL`.
    function shareOfTotal(uint96 signed) internal pure returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast) `signed` is at most `TOTAL`.
        return uint32(uint256(signed) * type(uint32).max / TOTAL);
    }

    function skipBlocks(uint256 count) internal {
        vm.roll(vm.getBlockNumber() + count);
    }

    function pause() internal {
        vm.prank(guardian);
        administration.pause();
    }

    function closeByOwner(uint40 projectId) internal {
        vm.prank(owner);
        market.closeProject(projectId);
    }

    /// @dev The value of a call that moves `amount` of a token.
    function coinIn(address money, uint256 amount) internal pure returns (uint256) {
        return money == COIN ? amount : 0;
    }

    // ---- read

    /// @dev The id of the head's latest task.
    function headTask(uint40 projectId) internal view returns (bytes32) {
        uint32 head = market.getProject(projectId).head;
        return taskOf(projectId, head, market.getSubmission(projectId, head).opening - 1);
    }

    function taskOf(uint40 projectId, uint32 index, uint8 opening) internal view returns (bytes32) {
        return Digests.taskId(block.chainid, address(market), projectId, index, opening);
    }

    function statusOf(uint40 projectId, uint32 index) internal view returns (SubmissionStatus) {
        return market.getSubmission(projectId, index).status;
    }

    /// @dev The account's credit in `asset`.
    function creditOf(address account) internal view returns (uint256) {
        return market.creditOf(account, asset);
    }

    // ---- assert

    function assertStatus(uint40 projectId, ProjectStatus expected) internal view {
        assertEq(uint256(market.getProject(projectId).status), uint256(expected));
    }

    function assertStatus(uint40 projectId, uint32 index, SubmissionStatus expected) internal view {
        assertEq(uint256(statusOf(projectId, index)), uint256(expected));
    }

    function assertFinal(uint40 projectId, uint32 index, Outcome expected) internal view {
        Submission memory submission = market.getSubmission(projectId, index);
        assertEq(uint256(submission.status), uint256(SubmissionStatus.FINAL));
        assertEq(uint256(submission.outcome), uint256(expected));
    }

    /// @dev `poolFree` and `budgetFree`.
    function assertFree(uint40 projectId, uint256 pool, uint256 budget) internal view {
        Project memory project = market.getProject(projectId);
        assertEq(project.poolFree, pool);
        assertEq(project.budgetFree, budget);
    }

    /// @dev Invariant 1: for each token, the balance, `escrowOf` and the sum of its parts are equal. What rounding leaves
    ///      of the attesters' parts counts as unclaimed.
    function assertSolvent() internal view {
        assertSolventIn(COIN);
        assertSolventIn(address(token));
    }

    function assertSolventIn(address money) internal view {
        uint256 held = money == COIN ? address(market).balance : IERC20(money).balanceOf(address(market));
        assertEq(held, market.escrowOf(money));
        assertEq(held, escrowedIn(money) + center.unclaimedIn(money) + creditedIn(money));
    }

    /// @dev Pools and budgets with what running tasks have reserved, bonds, withheld rewards, the bonds of disputes.
    function escrowedIn(address money) internal view returns (uint256 sum) {
        for (uint40 id = 1; id <= market.projectCount(); ++id) {
            Project memory project = market.getProject(id);
            for (uint32 i = 0; i < project.submissionCount; ++i) {
                WithheldReward memory withheld = market.withheldReward(id, i);
                if (money == project.token) sum += withheld.reward;
                if (money == COIN && withheld.status == RewardStatus.DISPUTED) sum += DISPUTE_BOND;
            }
            if (money == project.token) sum += _ownMoneyOf(id, project);
        }
    }

    function _ownMoneyOf(uint40 id, Project memory project) private view returns (uint256 sum) {
        sum = uint256(project.poolFree) + project.budgetFree;
        uint256 pending = project.submissionCount - project.head;
        if (pending == 0) return sum;
        bool isBaseline = project.head == 0; // has no bond and no reward
        if (!isBaseline) sum += pending * project.bond;
        if (statusOf(id, project.head) != SubmissionStatus.EVALUATING) return sum;
        return sum + project.fee + (isBaseline ? 0 : project.maxReward);
    }

    function creditedIn(address money) internal view returns (uint256 sum) {
        for (uint256 i = 0; i < accounts.length; ++i) {
            sum += market.creditOf(accounts[i], money);
        }
    }
}
