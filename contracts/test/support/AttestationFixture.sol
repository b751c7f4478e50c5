// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Administration} from "../../src/Administration.sol";
import {AttestationCenter} from "../../src/AttestationCenter.sol";
import {AvsGovernance} from "../../src/AvsGovernance.sol";
import {AvsLogic} from "../../src/AvsLogic.sol";
import {BlsSignatureVerifier} from "../../src/BlsSignatureVerifier.sol";
import {PrevRandaoSeedSource} from "../../src/PrevRandaoSeedSource.sol";
import {IAttestationCenter} from "../../src/interfaces/IAttestationCenter.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {IModelSubmission} from "../../src/interfaces/IModelSubmission.sol";
import {Attempts} from "../../src/libraries/Attempts.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {
    Certificate,
    Code,
    Evaluation,
    Registration,
    SealedSet,
    Task,
    TaskInfo,
    TaskRequest
} from "../../src/types/Types.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Headers} from "./Headers.sol";
import {RecordingMarket} from "./RecordingMarket.sol";

/// @dev The attestation contracts, deployed and wired as in production except for the market. Operators make real
///      signatures. Operator i has slot i, because operators register in this order.
abstract contract AttestationFixture is Headers {
    uint96 internal constant STAKE = 32 ether;
    uint96 internal constant MIN_STAKE = 1 ether;
    uint64 internal constant EPOCH_BLOCKS = 600;
    uint64 internal constant UNBONDING_BLOCKS = 16_000;
    uint64 internal constant ACTIVATION_DELAY = 10;
    uint16 internal constant SEED_DELAY = 4;
    uint16 internal constant ATTEMPT_BLOCKS = 100;
    uint8 internal constant MAX_ATTEMPTS = 3;
    uint32 internal constant TURN_BLOCKS = 5;
    uint16 internal constant QUORUM_BPS = 6_600;
    uint16 internal constant GUILTY_BPS = 100;
    uint16 internal constant CONFLICT_BPS = 1_000;
    uint16 internal constant OVERTURNED_BPS = 2_000;
    uint256 internal constant FIRST_BLOCK = 1_000;
    bytes32 internal constant INPUT_ROOT = keccak256("input root");
    string internal constant REPORT_CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

    address internal timelock = makeAddress("timelock");
    address internal guardian = makeAddress("guardian");
    address internal resolver = makeAddress("resolver");
    address internal treasury = makeAddress("treasury");

    Administration internal administration;
    BlsSignatureVerifier internal verifier;
    PrevRandaoSeedSource internal seedSource;
    AvsGovernance internal governance;
    AvsLogic internal avsLogic;
    AttestationCenter internal center;
    RecordingMarket internal market;
    uint256 internal operatorCount;

    /// @dev Everything except the operators, with a market that only records. Registration is open.
    function deploy() internal {
        deployGround();
        market = new RecordingMarket();
        wire(address(market), address(0), true);
    }

    function deployGround() internal {
        vm.roll(FIRST_BLOCK);
        administration = new Administration(timelock, guardian, 1 days);
        verifier = new BlsSignatureVerifier();
        seedSource = new PrevRandaoSeedSource();
    }

    /// @dev The three contracts name each other, so AttestationCenter's address is computed first: this contract deploys
    ///      AvsGovernance, AvsLogic, AttestationCenter in this order, then perhaps ModelSubmission.
    function wire(address market_, address stakeToken, bool isRegistrationOpen) internal {
        address centerAddress = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        governance = deployGovernance(centerAddress, stakeToken, isRegistrationOpen);
        avsLogic = new AvsLogic(centerAddress, IModelSubmission(market_));
        center = deployCenter(market_);
        assertEq(address(center), centerAddress);
    }

    function deployGovernance(address center_, address stakeToken, bool isRegistrationOpen)
        internal
        returns (AvsGovernance)
    {
        return new AvsGovernance(
            administration,
            IAttestationCenter(center_),
            verifier,
            stakeToken,
            IAvsGovernance.Limits(MIN_STAKE, EPOCH_BLOCKS, UNBONDING_BLOCKS, ACTIVATION_DELAY),
            isRegistrationOpen
        );
    }

    function deployCenter(address market_) internal returns (AttestationCenter) {
        return new AttestationCenter(
            AttestationCenter.Wiring({
                administration: administration,
                governance: governance,
                avsLogic: avsLogic,
                modelSubmission: IModelSubmission(market_),
                verifier: verifier,
                seedSource: seedSource,
                resolver: resolver,
                treasury: treasury
            }),
            defaultParameters()
        );
    }

    function defaultParameters() internal pure returns (IAttestationCenter.Parameters memory) {
        return IAttestationCenter.Parameters({
            minOperators: 3,
            turnBlocks: TURN_BLOCKS,
            guiltySlashBps: GUILTY_BPS,
            conflictSlashBps: CONFLICT_BPS,
            overturnedSlashBps: OVERTURNED_BPS
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
        vm.roll(vm.getBlockNumber() + ACTIVATION_DELAY);
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
            consent: consentBy(signingSecret(index), target, owner, blsSecret(index)),
            rewardsReceiver: receiverOf(index),
            stake: stake
        });
    }

    /// The consent of a signing key to serve this owner with the BLS key of this secret.
    function consentBy(uint256 signer, AvsGovernance target, address owner, uint256 secret)
        internal
        view
        returns (bytes memory)
    {
        bytes32 keyHash = keccak256(BlsSigner.publicKey(secret));
        return signEcdsa(signer, Digests.consentDigest(separatorOf(address(target)), owner, keyHash));
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
        return separatorOn(block.chainid, verifyingContract);
    }

    function separatorOn(uint256 chainId, address verifyingContract) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Zarathustra"),
                keccak256("1"),
                chainId,
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
            championIndex: 0,
            quorumBps: QUORUM_BPS,
            attemptBlocks: ATTEMPT_BLOCKS,
            seedDelay: SEED_DELAY,
            maxAttempts: MAX_ATTEMPTS
        });
    }

    /// @dev Opens a task and waits until attempt 0 can be submitted.
    function openAndStart(uint32 submissionIndex) internal returns (bytes32 taskId) {
        TaskRequest memory request = requestOf(submissionIndex);
        market.open(center, request);
        taskId = request.taskId;
        goToStart(taskId);
    }

    /// @dev Go to the first block in which attempt 0 can be submitted. The seed block's header can be proven from there.
    function goToStart(bytes32 taskId) internal {
        uint256 seedBlock = taskOf(taskId).seedBlock;
        vm.roll(seedBlock + 1);
        makeHeader(seedBlock);
    }

    /// @dev The header of the task's seed block, as certificates carry it.
    function headerFor(bytes32 taskId) internal view returns (bytes memory) {
        return headerOf(taskOf(taskId).seedBlock);
    }

    /// @dev The task's seed by the formula of `docs/protocol.md`; nothing is stored.
    function seedFor(bytes32 taskId) internal view returns (bytes32) {
        bytes32 randao = randaoOf(taskOf(taskId).seedBlock);
        return Digests.seed(randao, block.chainid, address(center.modelSubmission()), taskId);
    }

    function deadlineOf(bytes32 taskId) internal view returns (uint64) {
        return Attempts.deadlineOf(taskOf(taskId));
    }

    /// @dev The operator that performs an attempt, by the formula of `docs/protocol.md` over the occupied slots.
    function performerIndex(bytes32 taskId, uint8 attempt) internal view returns (uint256) {
        SealedSet memory set = governance.sealedSet(taskOf(taskId).setVersion);
        return slotOf(set.occupied, addmod(uint256(seedFor(taskId)), attempt, set.count));
    }

    /// @dev Occupied slot number `number`, by a plain search.
    function slotOf(uint128 occupied, uint256 number) internal pure returns (uint256 slot) {
        while ((occupied >> slot) & 1 == 0 || number != 0) {
            if ((occupied >> slot) & 1 == 1) --number;
            ++slot;
        }
    }

    /// @dev A correct evaluation by the attempt's performer.
    function evaluationOf(bytes32 taskId, uint8 attempt) internal view returns (Evaluation memory) {
        return Evaluation({
            taskId: taskId,
            attempt: attempt,
            performer: operatorOf(performerIndex(taskId, attempt)),
            inputHash: Digests.inputHash(taskOf(taskId).inputRoot, seedFor(taskId)),
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
    ///      Operator 0 posts.
    function certify(Evaluation memory evaluation, uint128 bitmap, bool approved)
        internal
        view
        returns (Certificate memory)
    {
        uint256 performer = performerIndex(evaluation.taskId, evaluation.attempt);
        return Certificate({
            bitmap: bitmap,
            approved: approved,
            posterSlot: 0,
            signature: BlsSigner.signVote(secretOf(bitmap), voteDigestOf(evaluation, approved)),
            performerSignature: signEcdsa(
                signingSecret(performer), Digests.evaluationDigest(separatorOf(address(center)), evaluation)
            ),
            header: headerFor(evaluation.taskId)
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

    /// @dev Operator `index` posts. Its slot is its index.
    function submitAs(uint256 index, TaskInfo memory info, Certificate memory certificate) internal {
        // forge-lint: disable-next-line(unsafe-typecast) There are 128 slots.
        certificate.posterSlot = uint8(index);
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
