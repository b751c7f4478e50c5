// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Timelock} from "../../src/Timelock.sol";
import {OperatorStatus, Outcome, ProjectStatus, RewardStatus, Submission} from "../../src/types/Types.sol";
import {BurningReceiver, MoodyToken, ReenteringReceiver, RefusingReceiver} from "../support/FakeTokens.sol";
import {FlowTest} from "../support/FlowTest.sol";

/// @dev All contracts wired as in production, the accounts of all actors, and the books: what each call must have done
///      to money, stakes and tasks, in plain sums that read no amount from the contracts.
///
///      Each invariant is a check that compares the contracts with the books. What one call can show alone is noted in
///      `broken` at once, under the invariant's number.
abstract contract World is FlowTest {
    uint256 internal constant SEATS = 10; // operators that can ever register: their slots are below this number
    uint256 internal constant FIRST_SEATS = 6; // of them at the start
    uint256 internal constant MAX_PROJECTS = 6; // limits what a check reads
    uint256 internal constant BPS = 10_000;
    uint96 internal constant TOKEN_MIN_FEE = 1_003;
    uint256 internal constant TIMELOCK_DELAY = 60; // seconds: five blocks
    uint256 internal constant BLOCK_GAS = 36_000_000; // of each call: all must fit into a block

    /// A project. `pool` and `budget` include what is reserved for a running task.
    struct Book {
        address token;
        address owner;
        ProjectStatus status;
        bool isLinear;
        bool ownerPaysMisses;
        uint256 pool;
        uint256 budget;
        uint256 bond;
        uint256 fee;
        uint256 maxReward;
        uint256 rate;
        uint256 rewardsPaid;
        int256 minGain;
        int256 worseTolerance;
        int256 championScore;
        int256 baselineScore;
        uint256 quorumBps;
        uint256 disputeBlocks;
        uint256 revealBlocks;
        uint256 openUntil;
        uint32 head;
        uint32 count;
        uint32 champion;
        uint32 evaluated;
    }

    /// A withheld reward.
    struct Held {
        RewardStatus status;
        uint256 reward;
        uint256 until;
        uint32 previousChampion;
        int256 previousScore;
        uint32 k;
        address disputer;
        bytes32 taskId;
    }

    /// A task, from the call that opened it. Invariant 2: `approvals` + `expiries` is at most one.
    struct Work {
        bytes32 taskId;
        uint256 projectId;
        uint32 index;
        uint32 version;
        uint256 approvals;
        uint256 expiries;
        uint256 settlement;
    }

    /// A settlement. `promised` is what all operators together may claim of it, `limit` what it has to give.
    struct Due {
        address token;
        uint256 projectId;
        uint128 signers;
        uint32 version;
        bool isRejection;
        uint256 limit;
        uint256 promised;
        uint256 paid;
    }

    /// An operator.
    struct Seat {
        OperatorStatus status;
        uint8 slot;
        address owner;
        address receiver;
        uint256 key; // number of its signing secret; it registered with its own index
        uint256 rotations;
        uint256 registrations;
        uint256 stake;
        uint256 paidIn;
        uint256 slashed;
        uint256 activeFrom;
        uint256 lastVersion;
        uint256 cursor;
    }

    /// A sealed set.
    struct Sealed {
        uint256 sealedAt;
        uint256 total;
        uint8 count;
        uint128 occupied;
    }

    // ---- actors

    MoodyToken internal token;
    RefusingReceiver internal refusing;
    BurningReceiver internal burning;
    ReenteringReceiver internal reentering;
    address internal otherOwner = makeAddress("other owner");
    address internal stranger = makeAddress("stranger");
    address internal informer = makeAddress("informer");
    address internal elsewhere = makeAddress("elsewhere");
    address internal proposer = makeAddress("proposer");
    address[] internal accounts; // all that can have a credit
    address[2] internal monies; // the tokens of projects

    // ---- books of the market

    mapping(uint256 projectId => Book) internal books;
    mapping(uint256 projectId => mapping(uint32 index => Outcome)) internal finals;
    mapping(uint256 projectId => mapping(uint32 index => Held)) internal helds;
    mapping(uint256 projectId => mapping(uint32 index => uint256)) internal salts;
    mapping(address account => mapping(address money => uint256)) internal credits;
    mapping(address money => uint256) internal paidIn;
    mapping(address money => uint256) internal paidOut;
    mapping(address money => uint256) internal feesDue;
    mapping(address money => uint256) internal dust;
    Work[] internal works;
    mapping(bytes32 taskId => uint256) internal workNumbers; // from 1
    Due[] internal dues;
    mapping(uint256 number => mapping(uint256 seat => uint256)) internal shares;

    // ---- books of the stakes

    Seat[SEATS] internal seats;
    mapping(uint256 key => address) internal signerOf; // by the number of its secret; an operator's id is its first
    mapping(uint256 version => Sealed) internal seals;
    mapping(uint256 version => mapping(uint256 slot => uint256)) internal seatAt;
    mapping(uint256 version => mapping(uint256 slot => uint256)) internal keyAt;
    mapping(uint256 version => mapping(uint256 slot => uint256)) internal stakeAt;
    mapping(uint256 seat => mapping(bytes32 caseId => bool)) internal isSlashed;
    mapping(address account => uint256) internal stakeCredits;
    uint256 internal latest; // version
    bool internal isSealDue;
    uint256 internal pot;
    uint256 internal potDust;
    uint256 internal stakeIn;
    uint256 internal stakeOut;

    // ---- what happened

    mapping(uint256 invariantNumber => string) public broken;
    mapping(string what => uint256) public reached;
    string[] internal facts; // all that was reached
    uint256 internal callCount; // of actions
    uint256 private attempts; // calls of the system
    uint256 private effects; // calls that the system accepted, and steps of time
    uint256 internal clock;

    /// @dev Count the calls of an action: those that had an effect, those that the system refused, and those that found
    ///      nothing to do. The books say whether a refusal was right.
    modifier counted(string memory action) {
        ++callCount;
        uint256 effectsBefore = effects;
        uint256 attemptsBefore = attempts;
        _;
        if (effects != effectsBefore) mark(string.concat("effect: ", action));
        else if (attempts != attemptsBefore) mark(string.concat("refusal: ", action));
        else mark(string.concat("idle: ", action));
    }

    function setUpWorld() internal {
        clock = 1_700_000_000;
        vm.warp(clock);
        timelock = address(new Timelock(TIMELOCK_DELAY, oneAddress(proposer), oneAddress(address(0))));
        deployAll(true);
        token = new MoodyToken();
        refusing = new RefusingReceiver();
        burning = new BurningReceiver();
        reentering = new ReenteringReceiver(submissions, true);
        monies = [COIN, address(token)];
        accounts = [treasury, projectOwner, otherOwner, contributor, stranger];
        accounts.push(address(refusing));
        accounts.push(address(burning));
        accounts.push(address(reentering));
        accounts.push(informer);
        for (uint256 i = 0; i < SEATS; ++i) {
            signerOf[i] = operatorOf(i);
            accounts.push(ownerOf(signerOf[i]));
            accounts.push(receiverOf(i));
        }
        vm.prank(timelock);
        submissions.setToken(address(token), TOKEN_MIN_FEE);
    }

    // ---- helpers of all actors

    /// @dev Call as `sender`, with the gas of a block and `value` of coin on top of what it has. Never reverts.
    function attempt(address sender, address target, uint256 value, bytes memory data)
        internal
        returns (bool succeeded, bytes memory answer)
    {
        if (value != 0) vm.deal(sender, sender.balance + value);
        vm.prank(sender);
        (succeeded, answer) = target.call{value: value, gas: BLOCK_GAS}(data);
        ++attempts;
        if (succeeded) ++effects;
    }

    /// @dev Give `sender` what it will pay, and return the coin to send along.
    function fund(address sender, address money, uint256 amount) internal returns (uint256 value) {
        if (money == COIN) return amount;
        MoodyToken(money).mint(sender, amount);
        vm.prank(sender);
        MoodyToken(money).approve(address(submissions), amount);
    }

    /// @dev Note that an invariant does not hold. The first fact is kept.
    function blame(uint256 number, string memory what) internal {
        if (bytes(broken[number]).length == 0) broken[number] = what;
    }

    function mark(string memory what) internal {
        if (++reached[what] == 1) facts.push(what);
    }

    function wait(uint256 blocks) internal {
        ++effects;
        vm.roll(vm.getBlockNumber() + blocks);
        clock += 12 * blocks;
        vm.warp(clock);
    }

    function waitUntil(uint256 number) internal {
        if (number > vm.getBlockNumber()) wait(number - vm.getBlockNumber());
    }

    function oneAddress(address account) internal pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = account;
    }

    /// @dev The n-th number in [low, high] that is derived from a seed. Forge repeats seeds; the count makes them differ.
    function draw(uint256 seed, uint256 n, uint256 low, uint256 high) internal view returns (uint256) {
        return bound(uint256(keccak256(abi.encode(seed, n, callCount))), low, high);
    }

    function chance(uint256 seed, uint256 n, uint256 oneIn) internal view returns (bool) {
        return draw(seed, n, 1, oneIn) == 1;
    }

    function submissionAt(uint256 id, uint32 index) internal view returns (Submission memory) {
        return submissions.getSubmission(id, index);
    }

    function projectTotal() internal view returns (uint256) {
        return submissions.projectCount();
    }

    function balanceIn(address money, address account) internal view returns (uint256) {
        return money == COIN ? account.balance : MoodyToken(money).balanceOf(account);
    }

    function bit(uint256 slot) internal pure returns (uint128) {
        // forge-lint: disable-next-line(incorrect-shift) A mask.
        return uint128(1) << uint128(slot);
    }
}
