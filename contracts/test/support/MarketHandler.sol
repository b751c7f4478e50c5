// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    Code,
    Outcome,
    Project,
    ProjectParams,
    ProjectStatus,
    RewardRule,
    RewardStatus,
    Submission,
    SubmissionStatus,
    Verdict
} from "../../src/types/Types.sol";
import {FakeAttestationCenter} from "./FakeAttestationCenter.sol";
import {MarketTest} from "./MarketTest.sol";

/// @dev Calls the market for all accounts, with random actions and amounts. An action that is not allowed now does
///      nothing, so every revert is an error. `MarketChecks.sol` has the invariants.
contract MarketHandler is MarketTest {
    uint256 internal constant MAX_PROJECTS = 5; // limits what a check reads

    /// One settled task, as far as its fee goes. `paid` is what performer, aggregator and attesters were credited.
    struct Settlement {
        uint40 projectId;
        bool isAggregatorPaid;
        uint96 signed;
        uint96 claimed;
        uint256 paid;
    }

    Settlement[] internal settlements;
    uint256 internal claimCount;
    mapping(uint40 projectId => uint32) internal champions; // as the calls so far must have left them
    mapping(uint40 projectId => mapping(uint32 index => Outcome)) internal finals;
    mapping(Outcome => uint256) public seen;
    uint256 public disputesUpheld;
    uint256 public championsRestored;
    uint256 public disputesSuspending;

    function setUp() public override {
        super.setUp();
        _openOneIn(COIN);
        _openOneIn(address(token));
    }

    /// @dev Open one project, so that short sequences get past the baselines.
    function _openOneIn(address money) private {
        ProjectParams memory params = _randomParams(0);
        params.token = money;
        params.pool = 10 * params.maxReward;
        params.budget = 20 * params.fee;
        _settle(createProject(params), Code.VALID, 0, 0, TOTAL, true);
    }

    // ---- actions of owners and contributors

    function actCreate(uint256 seed) external {
        if (market.projectCount() == MAX_PROJECTS || administration.isPaused()) return;
        createProject(_randomParams(seed));
    }

    function actTopUp(uint256 seed) external {
        (uint40 id, Project memory project) = _anyProject(seed);
        if (project.status != ProjectStatus.BASELINE && project.status != ProjectStatus.OPEN) return;
        uint96 pool = uint96(_draw(seed, 1, 0, 1e6));
        uint96 budget = uint96(_draw(seed, 2, 0, 1e4));
        vm.prank(stranger);
        market.topUp{value: coinIn(project.token, uint256(pool) + budget)}(id, pool, budget);
    }

    function actCommit(uint256 seed) external {
        (uint40 id, Project memory project) = _anyProject(seed);
        bool isOpen = project.status == ProjectStatus.OPEN && block.number < project.openUntil;
        if (!isOpen || administration.isPaused()) return;
        if (project.submissionCount - project.head >= MAX_PENDING) return;
        address contributor = [alice, bob, carol][_draw(seed, 1, 0, 2)];
        if (_pendingOf(contributor, id, project) >= MAX_PENDING_PER_ACCOUNT) return;
        bytes32 commitment = commitmentOf(id, contributor, BETTER);
        vm.prank(contributor);
        uint32 index = market.commit{value: coinIn(project.token, project.bond)}(id, commitment);
        if (_draw(seed, 2, 0, 2) > 0) reveal(id, index, contributor, BETTER);
        _noteFinals(id, project.head);
    }

    function actReveal(uint256 seed) external {
        (uint40 id, Project memory project) = _anyProject(seed);
        for (uint32 i = project.head; i < project.submissionCount; ++i) {
            Submission memory submission = market.getSubmission(id, i);
            bool isHidden = submission.status == SubmissionStatus.COMMITTED;
            if (!isHidden || block.number > submission.since + project.revealBlocks) continue;
            if (_draw(seed, i, 0, 2) == 0) continue; // some never reveal
            reveal(id, i, submission.contributor, BETTER);
        }
        _noteFinals(id, project.head);
    }

    function actClose(uint256 seed) external {
        (uint40 id, Project memory project) = _anyProject(seed);
        if (_draw(seed, 1, 0, 19) != 0 || !_canClose(project)) return;
        vm.prank(block.number < project.openUntil ? owner : stranger);
        market.closeProject(id);
    }

    function actWithdrawEscrow(uint256 seed) external {
        uint40 id = uint40(_draw(seed, 1, 1, market.projectCount()));
        Project memory project = market.getProject(id);
        if (!_hasEscrow(project)) return;
        vm.prank(block.number < project.openUntil + market.ESCROW_GRACE() ? owner : stranger);
        market.withdrawEscrow(id);
    }

    function actWithdraw(uint256 seed) external {
        address account = accounts[_draw(seed, 1, 0, accounts.length - 1)];
        address money = _draw(seed, 2, 0, 1) == 0 ? COIN : address(token);
        if (market.creditOf(account, money) == 0) return;
        if (_draw(seed, 3, 0, 1) == 0) {
            market.withdrawFor(account, money);
        } else {
            vm.prank(account);
            market.withdraw(money, account);
        }
    }

    // ---- actions of operators, keepers and the resolver

    function actAdvance(uint256 seed) external {
        (uint40 id, Project memory project) = _anyProject(seed);
        vm.prank(stranger);
        market.advance(id, _draw(seed, 1, 0, 5));
        _noteFinals(id, project.head);
    }

    function actSettle(uint256 seed) external {
        (uint40 id, bool isFound) = _anyRunning(seed);
        if (!isFound) return;
        int64 challenger = int64(int256(_draw(seed, 1, 0, 9_000))) - 4_000;
        int64 lowerBound = challenger - int64(int256(_draw(seed, 2, 0, 2_000)));
        bool isAggregatorPaid = _draw(seed, 4, 0, 1) == 0;
        _settle(id, _randomCode(seed), challenger, lowerBound, uint96(_draw(seed, 3, 67, 100)), isAggregatorPaid);
    }

    function actExpire(uint256 seed) external {
        (uint40 id, bool isFound) = _anyRunning(seed);
        if (!isFound) return;
        uint32 head = market.getProject(id).head;
        if (head == 0 && _draw(seed, 1, 0, 3) > 0) return; // otherwise few projects would open
        expireHead(id);
        _noteFinals(id, head);
    }

    function actDispute(uint256 seed) external {
        (uint40 id, uint32 index) = _anyWithheld(seed, RewardStatus.WITHHELD);
        if (id == 0 || block.number >= market.withheldReward(id, index).until) return;
        if (_draw(seed, 1, 0, 2) == 0) return; // some verdicts stay undisputed
        disputeBy(stranger, id, index);
        if (_draw(seed, 2, 0, 2) == 0) _rule(seed, id, index);
    }

    function actResolve(uint256 seed) external {
        (uint40 id, uint32 index) = _anyWithheld(seed, RewardStatus.DISPUTED);
        if (id == 0 || block.number >= market.withheldReward(id, index).until) return;
        _rule(seed, id, index);
    }

    function actRelease(uint256 seed) external {
        RewardStatus status = _draw(seed, 1, 0, 1) == 0 ? RewardStatus.WITHHELD : RewardStatus.DISPUTED;
        (uint40 id, uint32 index) = _anyWithheld(seed, status);
        if (id == 0 || block.number < market.withheldReward(id, index).until) return;
        vm.prank(stranger);
        market.release(id, index);
    }

    function actClaim(uint256 seed) external {
        uint256 number = _draw(seed, 1, 0, settlements.length - 1);
        uint96 left = settlements[number].signed - settlements[number].claimed;
        if (left == 0) return;
        _claim(number, uint96(_draw(seed, 2, 1, left)));
    }

    // ---- time and trouble

    function actWait(uint256 seed) external {
        skipBlocks(_draw(seed, 1, 1, _draw(seed, 2, 0, 9) == 0 ? 2 * OPEN_TIMEOUT : 8));
    }

    function actMood(uint256 seed) external {
        bool isWilling = _draw(seed, 1, 0, 3) > 0;
        center.setMood(isWilling ? FakeAttestationCenter.Mood.WILLING : FakeAttestationCenter.Mood.REFUSING);
    }

    /// @dev Each pause is followed by its cooldown; most of the time the deployment runs.
    function actPause(uint256 seed) external {
        if (administration.isPaused()) {
            vm.warp(administration.pausedUntil());
        } else if (_canPause() && _draw(seed, 1, 0, 3) == 0) {
            pause();
        } else {
            vm.warp(block.timestamp + 2 days);
        }
    }

    // ---- steps that keep the books of the checks

    function _settle(uint40 id, Code code, int64 challenger, int64 lowerBound, uint96 signed, bool isAggregatorPaid)
        private
    {
        Verdict memory verdict = verdictOf(id, code, 0, challenger, lowerBound);
        verdict.signedStake = signed;
        verdict.signedShare = shareOfTotal(signed);
        verdict.isAggregatorPaid = isAggregatorPaid;
        address money = market.getProject(id).token;
        uint256 before = _creditOfPosters(money);
        center.settle(verdict);
        settlements.push(Settlement(id, isAggregatorPaid, signed, 0, _creditOfPosters(money) - before));
        _noteFinals(id, verdict.submissionIndex);
        if (finals[id][verdict.submissionIndex] == Outcome.IMPROVED) champions[id] = verdict.submissionIndex;
    }

    function _rule(uint256 seed, uint40 id, uint32 index) private {
        if (_draw(seed, 3, 0, 1) == 0) return _overturn(id, index);
        center.resolve(id, index, false);
        ++disputesUpheld;
    }

    function _overturn(uint40 id, uint32 index) private {
        uint32 previous = market.withheldReward(id, index).previousChampion;
        bool isLast = market.getProject(id).evaluated == market.getSubmission(id, index).k + 1;
        center.resolve(id, index, true);
        if (!isLast) {
            ++disputesSuspending;
            return assertStatus(id, ProjectStatus.SUSPENDED);
        }
        ++championsRestored;
        champions[id] = previous;
    }

    function _claim(uint256 number, uint96 stake) internal {
        Settlement storage settlement = settlements[number];
        address money = market.getProject(settlement.projectId).token;
        uint256 before = market.creditOf(attester, money);
        payAttester(attester, settlement.projectId, settlement.isAggregatorPaid, stake);
        settlement.claimed += stake;
        settlement.paid += market.creditOf(attester, money) - before;
        ++claimCount;
    }

    function _noteFinals(uint40 id, uint32 from) internal {
        for (uint32 i = from; i < market.getProject(id).head; ++i) {
            Outcome outcome = market.getSubmission(id, i).outcome;
            assertEq(uint256(finals[id][i]), uint256(Outcome.NONE));
            finals[id][i] = outcome;
            ++seen[outcome];
        }
    }

    // ---- choices

    function _randomParams(uint256 seed) private view returns (ProjectParams memory params) {
        params = defaultParams();
        params.token = _draw(seed, 1, 0, 1) == 0 ? COIN : address(token);
        params.fee = uint96(_draw(seed, 2, TOKEN_MIN_FEE, 1e4));
        params.bond = uint96(_draw(seed, 3, 2 * params.fee, 1e6));
        params.budget = uint96(_draw(seed, 4, 2 * params.fee, 1e6));
        params.maxReward = uint96(_draw(seed, 5, 1, 1e6));
        params.pool = uint96(_draw(seed, 6, params.maxReward, 1e7));
        params.rewardRule = RewardRule(_draw(seed, 7, 0, 1));
        params.rewardRate = uint96(_draw(seed, 8, 1, 1_000));
        params.ownerPaysMisses = _draw(seed, 9, 0, 1) == 0;
        params.openUntil = uint40(block.number + _draw(seed, 10, 1, 4_000));
        params.disputeBlocks = _draw(seed, 11, 0, 7) == 0 ? 0 : uint24(_draw(seed, 12, 1, DISPUTE_BLOCKS));
    }

    /// @dev Mostly VALID, so that projects stay open.
    function _randomCode(uint256 seed) private pure returns (Code) {
        uint256 drawn = _draw(seed, 5, 0, 19);
        if (drawn < 2) return Code.INVALID;
        if (drawn < 4) return Code.UNAVAILABLE;
        return drawn == 4 ? Code.EVALUATOR_FAILED : Code.VALID;
    }

    /// @dev A project that is not over, if there is one.
    function _anyProject(uint256 seed) private view returns (uint40 id, Project memory project) {
        uint256 count = market.projectCount();
        uint256 start = _draw(seed, 100, 0, count - 1);
        for (uint256 i = 0; i < count; ++i) {
            id = _idAt(start + i);
            project = market.getProject(id);
            bool isOver = project.status == ProjectStatus.CLOSED || project.status == ProjectStatus.CANCELLED;
            if (!isOver || project.head < project.submissionCount) break;
        }
    }

    /// @dev A project whose head is being evaluated.
    function _anyRunning(uint256 seed) private view returns (uint40 id, bool isFound) {
        uint256 count = market.projectCount();
        for (uint256 i = 0; i < count; ++i) {
            id = _idAt(seed % count + i);
            if (_isEvaluating(id)) return (id, true);
        }
    }

    /// @dev A submission whose reward has this status; id 0 if there is none.
    function _anyWithheld(uint256 seed, RewardStatus status) private view returns (uint40, uint32) {
        uint256 count = market.projectCount();
        for (uint256 i = 0; i < count; ++i) {
            uint40 id = _idAt(seed % count + i);
            uint32 head = market.getProject(id).head;
            for (uint32 n = 1; n < head; ++n) {
                uint32 index = _draw(seed, 102, 0, 1) == 0 ? n : head - n; // the oldest or the latest one
                if (market.withheldReward(id, index).status == status) return (id, index);
            }
        }
        return (0, 0);
    }

    /// @dev The projects' ids, again and again.
    function _idAt(uint256 number) private view returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast) At most MAX_PROJECTS.
        return uint40(1 + number % market.projectCount());
    }

    function _canPause() internal view returns (bool) {
        uint64 pausedUntil = administration.pausedUntil();
        // forge-lint: disable-next-line(block-timestamp) The test sets the time.
        return pausedUntil == 0 || block.timestamp >= pausedUntil + administration.COOLDOWN();
    }

    function _isEvaluating(uint40 id) internal view returns (bool) {
        Project memory project = market.getProject(id);
        if (project.head >= project.submissionCount) return false;
        return statusOf(id, project.head) == SubmissionStatus.EVALUATING;
    }

    function _pendingOf(address account, uint40 id, Project memory project) private view returns (uint256 count) {
        for (uint32 i = project.head; i < project.submissionCount; ++i) {
            if (market.getSubmission(id, i).contributor == account) ++count;
        }
    }

    function _canClose(Project memory project) internal pure returns (bool) {
        bool isEmpty = project.head == project.submissionCount;
        return project.status == ProjectStatus.OPEN || (project.status == ProjectStatus.SUSPENDED && isEmpty);
    }

    function _hasEscrow(Project memory project) internal pure returns (bool) {
        bool isOver = project.status == ProjectStatus.CLOSED && project.head == project.submissionCount;
        return isOver && uint256(project.poolFree) + project.budgetFree > 0;
    }

    function _creditOfPosters(address money) private view returns (uint256) {
        return market.creditOf(performer, money) + market.creditOf(aggregator, money);
    }

    /// @dev The n-th number in [low, high] that is derived from a seed.
    function _draw(uint256 seed, uint256 n, uint256 low, uint256 high) private pure returns (uint256) {
        return bound(uint256(keccak256(abi.encode(seed, n))), low, high);
    }
}
