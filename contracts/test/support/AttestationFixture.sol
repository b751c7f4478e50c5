// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {AttestationCenter} from "../../src/AttestationCenter.sol";
import {AvsGovernance} from "../../src/AvsGovernance.sol";
import {AvsLogic} from "../../src/AvsLogic.sol";
import {BlsSignatureVerifier} from "../../src/BlsSignatureVerifier.sol";
import {HistorySeedSource} from "../../src/HistorySeedSource.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Certificate, Code, Evaluation, Registration, Task, TaskInfo, TaskRequest} from "../../src/types/Types.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {RecordingMarket} from "./RecordingMarket.sol";
import {Test} from "./Test.sol";

/// @dev The attestation contracts, deployed and wired as in production except for the market. Operators make real
///      signatures. Operator i has slot i, because operators register in this order.
abstract contract AttestationFixture is Test {
    uint96 internal constant STAKE = 32 ether;
    uint64 internal constant EPOCH_BLOCKS = 600;
    uint64 internal constant UNBONDING_BLOCKS = 16_000;
    uint32 internal constant SEED_DELAY = 4;
    uint32 internal constant ATTEMPT_BLOCKS = 100;
    uint8 internal constant MAX_ATTEMPTS = 3;
    uint32 internal constant TURN_BLOCKS = 5;
    uint16 internal constant QUORUM_BPS = 6_600;
    bytes32 internal constant INPUT_ROOT = keccak256("input root");
    string internal constant REPORT_CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

    address internal timelock;
    BlsSignatureVerifier internal verifier;
    HistorySeedSource internal seedSource;
    AvsGovernance internal governance;
    AvsLogic internal avsLogic;
    AttestationCenter internal center;
    RecordingMarket internal market;
    uint256 internal operatorCount;

    /// @dev Everything except the operators, with a market that only records.
    function deploy() internal {
        deployGround();
        market = new RecordingMarket();
        wire(address(market));
    }

    function deployGround() internal {
        vm.roll(1_000);
        timelock = makeAddress("timelock");
        verifier = new BlsSignatureVerifier();
        seedSource = new HistorySeedSource();
        governance = deployGovernance(IERC20(address(0)));
    }

    /// @dev AvsLogic and AttestationCenter name each other, so the second one's address is computed first.
    function wire(address market_) internal {
        address centerAddress = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        avsLogic = new AvsLogic(centerAddress, IModelSubmission(market_));
        center = deployCenter(market_);
        assertEq(address(center), centerAddress);
    }

    function deployGovernance(IERC20 stakeToken) internal returns (AvsGovernance) {
        return new AvsGovernance(timelock, stakeToken, verifier, 1 ether, EPOCH_BLOCKS, UNBONDING_BLOCKS);
    }

    function deployCenter(address market_) internal returns (AttestationCenter) {
        return new AttestationCenter(
            timelock, AttestationCenter.Wiring(governance, avsLogic, market_, verifier, seedSource), defaultParameters()
        );
    }

    function defaultParameters() internal pure returns (IAttestationCenter.Parameters memory) {
        return IAttestationCenter.Parameters({
            seedDelay: SEED_DELAY, maxAttempts: MAX_ATTEMPTS, minOperators: 3, turnBlocks: TURN_BLOCKS
        });
    }

    // ---- operators

    function deployWithOperators(uint256 count) internal {
        deploy();
        registerAndSeal(count);
    }

    function registerAndSeal(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            register(i, STAKE);
        }
        governance.sealOperatorSet();
    }

    function register(uint256 index, uint96 stake) internal {
        registerFor(governance, registrationOf(governance, index, stake));
        ++operatorCount;
    }

    function registerFor(AvsGovernance target, Registration memory registration) internal returns (uint8) {
        address owner = ownerOf(registration.signingKey);
        vm.deal(owner, registration.stake);
        vm.prank(owner);
        return target.registerOperator{value: registration.stake}(registration);
    }

    function registrationOf(AvsGovernance target, uint256 index, uint96 stake)
        internal
        view
        returns (Registration memory)
    {
        return registrationBy(ownerOf(operatorOf(index)), target, index, stake);
    }

    /// The registration of an operator with another owner than the fixture's.
    function registrationBy(address owner, AvsGovernance target, uint256 index, uint96 stake)
        internal
        view
        returns (Registration memory)
    {
        return Registration({
            blsKey: BlsSigner.publicKey(blsSecret(index)),
            possession: possessionBy(owner, target, blsSecret(index), operatorOf(index)),
            signingKey: operatorOf(index),
            rewardsReceiver: receiverOf(index),
            stake: stake
        });
    }

    function possessionOf(AvsGovernance target, uint256 secret, address operator) internal view returns (bytes memory) {
        return possessionBy(ownerOf(operator), target, secret, operator);
    }

    function possessionBy(address owner, AvsGovernance target, uint256 secret, address operator)
        internal
        view
        returns (bytes memory)
    {
        bytes32 keyHash = keccak256(BlsSigner.publicKey(secret));
        bytes32 digest = Digests.possessionDigest(separatorOf(address(target)), owner, operator, keyHash);
        return BlsSigner.provePossession(secret, digest);
    }

    function blsSecret(uint256 index) internal pure returns (uint256) {
        return bound(uint256(keccak256(abi.encode("bls", index))), 1, BlsSigner.ORDER - 1);
    }

    function signingSecret(uint256 index) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("signing", index))) >> 8; // below the curve's order
    }

    function operatorOf(uint256 index) internal pure returns (address) {
        return vm.addr(signingSecret(index));
    }

    function receiverOf(uint256 index) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("receiver", index)))));
    }

    function ownerOf(address operator) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("owner", operator)))));
    }

    function separatorOf(address verifyingContract) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Zarathustra"),
                keccak256("1"),
                block.chainid,
                verifyingContract
            )
        );
    }

    // ---- tasks

    function requestOf(uint32 submissionIndex) internal view returns (TaskRequest memory) {
        return TaskRequest({
            taskId: Digests.taskId(block.chainid, address(market), 1, submissionIndex, 0),
            projectId: 1,
            submissionIndex: submissionIndex,
            opening: 0,
            inputRoot: INPUT_ROOT,
            k: 0,
            quorumBps: QUORUM_BPS,
            attemptBlocks: ATTEMPT_BLOCKS
        });
    }

    /// @dev Opens a task and waits until attempt 0 can be submitted.
    function openAndStart(uint32 submissionIndex) internal returns (bytes32 taskId) {
        TaskRequest memory request = requestOf(submissionIndex);
        market.open(center, request);
        taskId = request.taskId;
        vm.roll(vm.getBlockNumber() + SEED_DELAY + 1);
    }

    /// @dev The operator that performs an attempt, by the formula of `docs/protocol.md` with operatorCount slots.
    function performerIndex(bytes32 taskId, uint8 attempt) internal returns (uint256) {
        return addmod(uint256(center.fixSeed(taskId)), attempt, operatorCount);
    }

    /// @dev A correct evaluation by the attempt's performer.
    function evaluationOf(bytes32 taskId, uint8 attempt) internal returns (Evaluation memory) {
        bytes32 seed = center.fixSeed(taskId);
        return Evaluation({
            taskId: taskId,
            attempt: attempt,
            performer: operatorOf(performerIndex(taskId, attempt)),
            inputHash: Digests.inputHash(taskOf(taskId).inputRoot, seed),
            code: Code.VALID,
            championScore: 910_000,
            challengerScore: 925_000,
            gainLowerBound: 12_000,
            reportHash: Digests.reportHash(REPORT_CID)
        });
    }

    function infoOf(Evaluation memory evaluation) internal pure returns (TaskInfo memory) {
        return TaskInfo({
            proofOfTask: REPORT_CID,
            data: abi.encode(evaluation),
            taskPerformer: evaluation.performer,
            taskDefinitionId: 0
        });
    }

    /// @dev The operators whose bits are set vote; the performer of the evaluation's attempt signs the evaluation.
    function certify(Evaluation memory evaluation, uint128 bitmap, bool approved)
        internal
        returns (Certificate memory)
    {
        uint256 performer = performerIndex(evaluation.taskId, evaluation.attempt);
        return Certificate({
            bitmap: bitmap,
            approved: approved,
            signature: BlsSigner.signVote(secretOf(bitmap), voteDigestOf(evaluation, approved)),
            performerSignature: signEcdsa(
                signingSecret(performer), Digests.evaluationDigest(separatorOf(address(center)), evaluation)
            )
        });
    }

    function voteDigestOf(Evaluation memory evaluation, bool approved) internal view returns (bytes32) {
        return Digests.voteDigest(
            separatorOf(address(center)),
            evaluation.taskId,
            evaluation.attempt,
            Digests.evaluationHash(evaluation),
            approved
        );
    }

    /// @dev The sum of the secrets of operators whose bits are set.
    function secretOf(uint128 bitmap) internal pure returns (uint256 total) {
        for (uint256 slot = 0; slot < 128; ++slot) {
            if ((bitmap >> slot) & 1 != 0) total = addmod(total, blsSecret(slot), BlsSigner.ORDER);
        }
    }

    function submitAs(uint256 index, TaskInfo memory info, Certificate memory certificate) internal {
        vm.prank(operatorOf(index));
        center.submitTask(info, certificate);
    }

    /// @dev Certify and submit; operator 0 posts.
    function decide(bytes32 taskId, uint8 attempt, uint128 bitmap, bool approved) internal {
        Evaluation memory evaluation = evaluationOf(taskId, attempt);
        submitAs(0, infoOf(evaluation), certify(evaluation, bitmap, approved));
    }

    function expectRefusal(bytes memory reason, TaskInfo memory info, Certificate memory certificate) internal {
        vm.prank(operatorOf(0));
        vm.expectRevert(reason);
        center.submitTask(info, certificate);
    }

    function taskOf(bytes32 taskId) internal view returns (Task memory) {
        return center.getTask(taskId);
    }
}
