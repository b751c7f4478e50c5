// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    Code,
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
import {PlainToken} from "./FakeTokens.sol";
import {MarketTest} from "./MarketTest.sol";

/// @dev Calls the market for all accounts, with random actions and amounts. An action that is not allowed now does
///      nothing, so every revert is an error.
contract MarketHandler is MarketTest {
    uint256 private constant MAX_PROJECTS = 10; // limits what a check reads

    PlainToken public token;
    mapping(bytes32 taskId => uint96) public claimedStake;
    mapping(bytes32 taskId => uint256) public claimedFees;
    mapping(Outcome => uint256) public seen;

    function setUp() public override {
        super.setUp();
        token = new PlainToken();
        vm.prank(timelock);
        market.allowToken(address(token), true);
        address[4] memory payers = [owner, alice, bob, stranger];
        for (uint256 i = 0; i < payers.length; ++i) {
            vm.deal(payers[i], type(uint128).max);
            token.mint(payers[i], type(uint128).max);
            vm.prank(payers[i]);
            token.approve(address(market), type(uint256).max);
        }
        _openOneIn(COIN);
        _openOneIn(address(token));
    }

    /// @dev Open one project, so that short sequences get past the baselines.
    function _openOneIn(address asset) private {
        ProjectParams memory params = _randomParams(0);
        params.token = asset;
        params.pool = 10 * params.maxReward;
        params.budget = 20 * params.fee;
        vm.prank(owner);
        uint256 id = market.createProject{value: _valueIn(asset, uint256(params.pool) + params.budget)}(params);
        settleHead(id, Code.VALID, 0, 0, 0);
    }

    // ---- actions

    function actCreate(uint256 seed) external {
        if (market.projectCount() == MAX_PROJECTS) return;
        ProjectParams memory params = _randomParams(seed);
        vm.prank(owner);
        market.createProject{value: _valueIn(params.token, uint256(params.pool) + params.budget)}(params);
    }

    function actTopUp(uint256 seed) external {
        (uint256 id, Project memory project) = _anyProject(seed);
        if (project.status != ProjectStatus.BASELINE && project.status != ProjectStatus.OPEN) return;
        uint128 pool = uint128(_draw(seed, 1, 0, 1e6));
        uint128 budget = uint128(_draw(seed, 2, 0, 1e4));
        vm.prank(stranger);
        market.topUp{value: _valueIn(project.params.token, uint256(pool) + budget)}(id, pool, budget);
    }

    function actCommit(uint256 seed) external {
        (uint256 id, Project memory project) = _anyProject(seed);
        if (project.status != ProjectStatus.OPEN || block.number >= project.params.openUntil) return;
        if (project.submissionCount - project.head >= MAX_PENDING) return;
        if (project.poolFree < project.params.maxReward || project.budgetFree < project.params.fee) return;
        address contributor = _draw(seed, 1, 0, 1) == 0 ? alice : bob;
        bytes32 commitment = commitmentOf(id, contributor, BETTER);
        vm.prank(contributor);
        uint32 index = market.commit{value: _valueIn(project.params.token, project.params.bond)}(id, commitment);
        if (_draw(seed, 2, 0, 1) == 0) reveal(id, index, contributor, BETTER);
    }

    function actReveal(uint256 seed) external {
        (uint256 id, Project memory project) = _anyProject(seed);
        for (uint32 i = project.head; i < project.submissionCount; ++i) {
            Submission memory submission = market.getSubmission(id, i);
            bool isHidden = submission.status == SubmissionStatus.COMMITTED;
            if (!isHidden || block.number > submission.committedAt + project.params.revealBlocks) continue;
            if (_draw(seed, i, 0, 2) == 0) continue; // some never reveal
            reveal(id, i, submission.contributor, BETTER);
        }
    }

    function actAdvance(uint256 seed) external {
        (uint256 id, Project memory project) = _anyProject(seed);
        if (project.status == ProjectStatus.NONE) return;
        vm.prank(stranger);
        market.advance(id, _draw(seed, 1, 0, 5));
        _noteFinals(id, project.head);
    }

    function actSettle(uint256 seed) external {
        (uint256 id, Project memory project) = _anyRunning(seed);
        if (id == 0) return;
        Verdict memory verdict = verdictOf(headTask(id), _randomCode(seed), 0, 0, 0);
        verdict.evaluation.challengerScore = int64(int256(_draw(seed, 1, 0, 6_000))) - 3_000;
        verdict.evaluation.gainLowerBound = verdict.evaluation.challengerScore - int64(int256(_draw(seed, 2, 0, 2_000)));
        verdict.signedStake = uint96(_draw(seed, 3, 67, 100));
        if (_draw(seed, 4, 0, 1) == 0) verdict.aggregatorReceiver = address(0);
        center.settle(verdict);
        _noteFinals(id, project.head);
    }

    function actExpire(uint256 seed) external {
        (uint256 id, Project memory project) = _anyRunning(seed);
        if (id == 0) return;
        bool isBaseline = project.head == 0;
        if (isBaseline && _draw(seed, 1, 0, 3) > 0) return; // otherwise few projects would open
        expireHead(id);
        _noteFinals(id, project.head);
    }

    function actClaim(uint256 seed) external {
        if (center.requestCount() == 0) return;
        bytes32 taskId = center.requestAt(_draw(seed, 101, 0, center.requestCount() - 1)).taskId;
        (uint128 total,) = market.attesterFees(taskId);
        uint96 left = TOTAL - claimedStake[taskId];
        if (total == 0 || left == 0) return;
        uint96 stake = uint96(_draw(seed, 1, 1, left));
        claimedStake[taskId] += stake;
        claimedFees[taskId] += uint256(total) * stake / TOTAL;
        _pay(taskId, stake);
    }

    function actClose(uint256 seed) external {
        (uint256 id, Project memory project) = _anyProject(seed);
        if (_draw(seed, 1, 0, 19) == 0) _closeIfPossible(id, project);
    }

    function actWithdrawEscrow(uint256 seed) external {
        if (market.projectCount() == 0) return;
        _withdrawEscrowIfPossible(_draw(seed, 1, 1, market.projectCount()));
    }

    function actWithdraw(uint256 seed) external {
        address[6] memory accounts = [treasury, owner, alice, bob, performer, attester];
        _withdrawIfPossible(accounts[_draw(seed, 1, 0, 5)], _draw(seed, 2, 0, 1) == 0 ? COIN : address(token));
    }

    function actWait(uint256 seed) external {
        skipBlocks(_draw(seed, 1, 1, _draw(seed, 2, 0, 9) == 0 ? 2 * OPEN_TIMEOUT : 8));
    }

    function actMood(uint256 seed) external {
        bool isWilling = _draw(seed, 1, 0, 3) > 0;
        center.setMood(isWilling ? FakeAttestationCenter.Mood.WILLING : FakeAttestationCenter.Mood.REFUSING);
    }

    // ---- the end

    /// @dev Invariant 5: no operator acts any more. Time, expiries and calls that anyone may make end all submissions.
    function drain() external {
        center.setMood(FakeAttestationCenter.Mood.REFUSING);
        for (uint256 id = 1; id <= market.projectCount(); ++id) {
            if (_isEvaluating(id, market.getProject(id))) expireHead(id);
        }
        skipBlocks(1_000_000);
        for (uint256 id = 1; id <= market.projectCount(); ++id) {
            _drainQueue(id);
            _closeIfPossible(id, market.getProject(id));
            _withdrawEscrowIfPossible(id);
        }
        address[7] memory accounts = [treasury, owner, alice, bob, performer, aggregator, attester];
        for (uint256 i = 0; i < accounts.length; ++i) {
            _withdrawIfPossible(accounts[i], COIN);
            _withdrawIfPossible(accounts[i], address(token));
        }
    }

    /// @dev Each revealed head waits for its own timeout.
    function _drainQueue(uint256 id) private {
        for (uint256 i = 0; i <= MAX_PENDING; ++i) {
            market.advance(id, MAX_PENDING);
            skipBlocks(OPEN_TIMEOUT + 1);
        }
    }

    // ---- checks

    function checkSolvency() external view {
        assertSolvent(COIN);
        assertSolvent(address(token));
    }

    /// @dev Invariants 2 and 9: exactly the submissions before the head are final, and only the head is evaluated.
    function checkOrder() external view {
        for (uint256 id = 1; id <= market.projectCount(); ++id) {
            Project memory project = market.getProject(id);
            for (uint32 i = 0; i < project.submissionCount; ++i) {
                SubmissionStatus status = statusOf(id, i);
                bool isFinal = status == SubmissionStatus.FINAL;
                assertTrue(isFinal == (i < project.head), "final out of order");
                if (i > project.head) assertTrue(status != SubmissionStatus.EVALUATING, "evaluated out of order");
            }
        }
    }

    /// @dev The champion is an IMPROVED submission or the baseline.
    function checkChampion() external view {
        for (uint256 id = 1; id <= market.projectCount(); ++id) {
            uint32 champion = market.getProject(id).championIndex;
            if (champion == 0) continue;
            assertFinal(id, champion, Outcome.IMPROVED);
        }
    }

    /// @dev Every task of a project's challengers has its own k, counted from 0 without a gap.
    function checkK() external view {
        uint32[] memory next = new uint32[](market.projectCount() + 1);
        for (uint256 i = 0; i < center.requestCount(); ++i) {
            uint256 id = center.requestAt(i).projectId;
            if (center.requestAt(i).submissionIndex == 0) continue;
            assertEq(center.requestAt(i).k, next[id]++);
        }
        for (uint256 id = 1; id <= market.projectCount(); ++id) {
            assertEq(market.getProject(id).evaluated, next[id]);
        }
    }

    /// @dev Invariant 10, and that each claim paid exactly its share, rounded down.
    function checkFees() external view {
        for (uint256 i = 0; i < center.requestCount(); ++i) {
            bytes32 taskId = center.requestAt(i).taskId;
            (uint128 total, uint128 unclaimed) = market.attesterFees(taskId);
            assertEq(uint256(unclaimed) + claimedFees[taskId], total);
        }
    }

    function checkDrained() external view {
        assertEq(escrowedIn(COIN), 0);
        assertEq(escrowedIn(address(token)), 0);
        assertEq(address(market).balance, unclaimedIn(COIN));
        assertEq(token.balanceOf(address(market)), unclaimedIn(address(token)));
    }

    // ---- choices

    function _randomParams(uint256 seed) private view returns (ProjectParams memory params) {
        params = defaultParams();
        params.token = _draw(seed, 1, 0, 1) == 0 ? COIN : address(token);
        params.fee = uint128(_draw(seed, 2, 1, 1e4));
        params.bond = uint128(_draw(seed, 3, 2 * params.fee, 1e6));
        params.budget = uint128(_draw(seed, 4, 2 * params.fee, 1e6));
        params.maxReward = uint128(_draw(seed, 5, 1, 1e6));
        params.pool = uint128(_draw(seed, 6, params.maxReward, 1e7));
        params.rewardRule = RewardRule(_draw(seed, 7, 0, 1));
        params.rewardRate = uint128(_draw(seed, 8, 1, 1_000));
        params.ownerPaysMisses = _draw(seed, 9, 0, 1) == 0;
        params.openUntil = uint64(block.number + _draw(seed, 10, 1, 4_000));
    }

    /// @dev Mostly VALID, so that projects stay open.
    function _randomCode(uint256 seed) private pure returns (Code) {
        uint256 drawn = _draw(seed, 5, 0, 19);
        if (drawn < 16) return Code.VALID;
        if (drawn == 16) return Code.INVALID;
        if (drawn == 17) return Code.UNAVAILABLE;
        return drawn == 18 ? Code.EVALUATOR_FAILED : Code.VALID;
    }

    /// @dev A project that is not over, if there is one.
    function _anyProject(uint256 seed) private view returns (uint256 id, Project memory project) {
        if (market.projectCount() == 0) return (0, project);
        uint256 count = market.projectCount();
        uint256 start = _draw(seed, 100, 0, count - 1);
        for (uint256 i = 0; i < count; ++i) {
            id = 1 + (start + i) % count;
            project = market.getProject(id);
            bool isOver = project.status == ProjectStatus.CLOSED || project.status == ProjectStatus.CANCELLED;
            if (!isOver || project.head < project.submissionCount) break;
        }
    }

    /// @dev A project whose head is being evaluated; id 0 if there is none.
    function _anyRunning(uint256 seed) private view returns (uint256, Project memory project) {
        uint256 count = market.projectCount();
        for (uint256 i = 0; i < count; ++i) {
            uint256 id = 1 + (seed % count + i) % count;
            project = market.getProject(id);
            if (_isEvaluating(id, project)) return (id, project);
        }
        return (0, project);
    }

    function _isEvaluating(uint256 id, Project memory project) private view returns (bool) {
        if (project.head >= project.submissionCount) return false;
        return statusOf(id, project.head) == SubmissionStatus.EVALUATING;
    }

    function _closeIfPossible(uint256 id, Project memory project) private {
        bool isEmpty = project.head == project.submissionCount;
        bool canClose = project.status == ProjectStatus.OPEN || (project.status == ProjectStatus.SUSPENDED && isEmpty);
        if (!canClose) return;
        vm.prank(block.number < project.params.openUntil ? owner : stranger);
        market.closeProject(id);
    }

    function _withdrawEscrowIfPossible(uint256 id) private {
        Project memory project = market.getProject(id);
        if (project.status != ProjectStatus.CLOSED || project.head != project.submissionCount) return;
        if (uint256(project.poolFree) + project.budgetFree == 0) return;
        vm.prank(owner);
        market.withdrawEscrow(id);
    }

    function _withdrawIfPossible(address account, address asset) private {
        if (market.creditOf(account, asset) == 0) return;
        vm.prank(account);
        market.withdraw(asset, account);
    }

    function _pay(bytes32 taskId, uint96 stake) private {
        bytes32[] memory taskIds = new bytes32[](1);
        uint96[] memory stakes = new uint96[](1);
        uint96[] memory signedStakes = new uint96[](1);
        (taskIds[0], stakes[0], signedStakes[0]) = (taskId, stake, TOTAL);
        center.payAttester(attester, taskIds, stakes, signedStakes);
    }

    function _noteFinals(uint256 id, uint32 from) private {
        for (uint32 i = from; i < market.getProject(id).head; ++i) {
            ++seen[market.getSubmission(id, i).outcome];
        }
    }

    function _valueIn(address asset, uint256 amount) private pure returns (uint256) {
        return asset == COIN ? amount : 0;
    }

    /// @dev The n-th number in [low, high] that is derived from a seed.
    function _draw(uint256 seed, uint256 n, uint256 low, uint256 high) private pure returns (uint256) {
        return bound(uint256(keccak256(abi.encode(seed, n))), low, high);
    }
}
