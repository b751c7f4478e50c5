// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {AvsGovernance} from "../../src/AvsGovernance.sol";
import {IAvsGovernance} from "../../src/interfaces/IAvsGovernance.sol";
import {ISignatureVerifier} from "../../src/interfaces/ISignatureVerifier.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {OperatorSet} from "../../src/libraries/OperatorSet.sol";
import {Operator, OperatorStatus, Registration, SealedSet} from "../../src/types/Types.sol";
import {AttestationFixture} from "../support/AttestationFixture.sol";
import {BlsSigner} from "../support/BlsSigner.sol";
import {FeeToken, Penniless, ReenteringOwner, StakeToken} from "../support/StakeTokens.sol";

contract AvsGovernanceTest is AttestationFixture {
    function setUp() public {
        deploy();
    }

    // ---- construction

    function test_constructor__any__keeps_settings() public view {
        assertEq(governance.owner(), timelock);
        assertEq(address(governance.stakeToken()), address(0));
        assertEq(address(governance.verifier()), address(verifier));
        assertEq(governance.minStake(), 1 ether);
        assertEq(governance.epochBlocks(), EPOCH_BLOCKS);
        assertEq(governance.unbondingBlocks(), UNBONDING_BLOCKS);
    }

    function test_constructor__no_minimum_stake__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.StakeTooSmall.selector, 0, 1));
        new AvsGovernance(timelock, IERC20(address(0)), verifier, 0, EPOCH_BLOCKS, UNBONDING_BLOCKS);
    }

    function test_constructor__unbonding_under_two_task_lives__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.UnbondingTooShort.selector, 15_999, 16_000));
        new AvsGovernance(timelock, IERC20(address(0)), verifier, 1, EPOCH_BLOCKS, 15_999);
    }

    // ---- registerOperator

    function test_registerOperator__valid__is_active() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        address owner = ownerOf(operatorOf(0));
        vm.deal(owner, STAKE);
        vm.prank(owner);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorRegistered(
            operatorOf(0), owner, 0, registration.blsKey, STAKE, registration.rewardsReceiver
        );
        uint8 slot = governance.registerOperator{value: STAKE}(registration);

        assertEq(slot, 0);
        assertEq(address(governance).balance, STAKE);
        assertEq(governance.rewardsReceiverOf(operatorOf(0)), receiverOf(0));
        Operator memory expected = Operator({
            status: OperatorStatus.ACTIVE,
            slot: 0,
            stake: STAKE,
            owner: owner,
            rewardsReceiver: receiverOf(0),
            lastVersion: 0,
            keyHash: keccak256(registration.blsKey)
        });
        assertEq(abi.encode(governance.getOperator(operatorOf(0))), abi.encode(expected));
    }

    function test_registerOperator__zero_address__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.rewardsReceiver = address(0);
        expectRegisterRevert(registration, STAKE, abi.encodeWithSelector(IAvsGovernance.ZeroAddress.selector));

        registration = registrationOf(governance, 0, STAKE);
        registration.signingKey = address(0);
        expectRegisterRevert(registration, STAKE, abi.encodeWithSelector(IAvsGovernance.ZeroAddress.selector));
    }

    function test_registerOperator__address_twice__reverts() public {
        register(0, STAKE);
        Registration memory registration = registrationOf(governance, 1, STAKE);
        registration.signingKey = operatorOf(0);
        registration.possession = possessionOf(governance, blsSecret(1), operatorOf(0));
        expectRegisterRevert(
            registration,
            STAKE,
            abi.encodeWithSelector(IAvsGovernance.OperatorAlreadyRegistered.selector, operatorOf(0))
        );
    }

    function test_registerOperator__key_twice__reverts() public {
        register(0, STAKE);
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.signingKey = operatorOf(1);
        registration.possession = possessionOf(governance, blsSecret(0), operatorOf(1));
        expectRegisterRevert(
            registration,
            STAKE,
            abi.encodeWithSelector(IAvsGovernance.KeyAlreadyRegistered.selector, keccak256(registration.blsKey))
        );
    }

    function test_registerOperator__key_of_an_exited_operator__reverts() public {
        register(0, STAKE);
        leaveAndComplete(0);
        Registration memory registration = registrationOf(governance, 0, STAKE);
        expectRegisterRevert(
            registration,
            STAKE,
            abi.encodeWithSelector(IAvsGovernance.OperatorAlreadyRegistered.selector, operatorOf(0))
        );
        registration.signingKey = operatorOf(1);
        registration.possession = possessionOf(governance, blsSecret(0), operatorOf(1));
        expectRegisterRevert(
            registration,
            STAKE,
            abi.encodeWithSelector(IAvsGovernance.KeyAlreadyRegistered.selector, keccak256(registration.blsKey))
        );
    }

    function test_registerOperator__stake_below_minimum__reverts() public {
        Registration memory registration = registrationOf(governance, 0, 1 ether - 1);
        expectRegisterRevert(
            registration,
            1 ether - 1,
            abi.encodeWithSelector(IAvsGovernance.StakeTooSmall.selector, 1 ether - 1, 1 ether)
        );
    }

    function test_registerOperator__value_differs_from_stake__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        expectRegisterRevert(
            registration, STAKE - 1, abi.encodeWithSelector(IAvsGovernance.WrongValue.selector, STAKE - 1, STAKE)
        );
        expectRegisterRevert(
            registration, STAKE + 1, abi.encodeWithSelector(IAvsGovernance.WrongValue.selector, STAKE + 1, STAKE)
        );
    }

    function test_registerOperator__malformed_key__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.blsKey = new bytes(96);
        expectRegisterRevert(
            registration, STAKE, abi.encodeWithSelector(ISignatureVerifier.BadPointLength.selector, 96, 128)
        );
    }

    function test_registerOperator__all_slots_taken__reverts() public {
        for (uint256 i = 0; i < 128; ++i) {
            register(i, 1 ether);
        }
        Registration memory registration = registrationOf(governance, 128, STAKE);
        expectRegisterRevert(registration, STAKE, abi.encodeWithSelector(IAvsGovernance.NoFreeSlot.selector));
    }

    // ---- possession

    function test_registerOperator__anothers_possession_proof__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.signingKey = operatorOf(1); // the attacker's
        expectBadPossession(registration);
    }

    function test_registerOperator__rogue_key__reverts() public {
        // The rogue key cancels operators 0 and 1: key = own − (key 0 + key 1). The attacker does not know its secret,
        // and can sign only with its own secret.
        uint256 own = blsSecret(9);
        uint256 others = addmod(blsSecret(0), blsSecret(1), BlsSigner.ORDER);
        bytes memory rogueKey = BlsSigner.publicKey(addmod(own, BlsSigner.ORDER - others, BlsSigner.ORDER));

        Registration memory registration = registrationOf(governance, 9, STAKE);
        registration.blsKey = rogueKey;
        expectBadPossession(registration);
    }

    function test_registerOperator__proof_for_another_contract__reverts() public {
        AvsGovernance other = deployGovernance(IERC20(address(0)));
        expectBadPossession(registrationOf(other, 0, STAKE));
    }

    function test_registerOperator__copied_by_another_owner__reverts() public {
        // Copied from the mempool: the sender of the copy would own the operator, its stake and its rewards.
        Registration memory registration = registrationOf(governance, 0, STAKE);
        address copier = makeAddress("copier");
        vm.deal(copier, STAKE);
        vm.prank(copier);
        vm.expectRevert(IAvsGovernance.BadPossession.selector);
        governance.registerOperator{value: STAKE}(registration);
    }

    function test_registerOperator__proof_for_another_chain__reverts() public {
        vm.chainId(5);
        Registration memory registration = registrationOf(governance, 0, STAKE);
        vm.chainId(31_337);
        expectBadPossession(registration);
    }

    function test_registerOperator__vote_as_proof__reverts() public {
        // The right digest under the vote tag: a vote must not count as a possession proof.
        Registration memory registration = registrationOf(governance, 0, STAKE);
        bytes32 digest = Digests.possessionDigest(
            separatorOf(address(governance)), ownerOf(operatorOf(0)), operatorOf(0), keccak256(registration.blsKey)
        );
        registration.possession = BlsSigner.signVote(blsSecret(0), digest);
        expectBadPossession(registration);
    }

    function test_registerOperator__identity_key_and_proof__reverts() public {
        Registration memory registration = registrationOf(governance, 0, STAKE);
        registration.blsKey = new bytes(128);
        registration.possession = new bytes(256);
        expectBadPossession(registration);
    }

    // ---- increaseStake

    function test_increaseStake__active__counts_from_next_set() public {
        register(0, STAKE);
        governance.sealOperatorSet();
        vm.deal(address(this), 1 ether);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorStakeIncreased(operatorOf(0), 1 ether, STAKE + 1 ether);
        governance.increaseStake{value: 1 ether}(operatorOf(0), 1 ether);

        assertEq(governance.getOperator(operatorOf(0)).stake, STAKE + 1 ether);
        assertEq(governance.sealedSet(1).totalStake, STAKE);
        vm.roll(vm.getBlockNumber() + EPOCH_BLOCKS);
        governance.sealOperatorSet();
        assertEq(governance.sealedSet(2).totalStake, STAKE + 1 ether);
        (, uint96 stake) = OperatorSet.entryIn(governance.sealedSet(2).pointer, 0);
        assertEq(stake, STAKE + 1 ether);
    }

    function test_increaseStake__not_active__reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.OperatorNotActive.selector, operatorOf(0)));
        governance.increaseStake(operatorOf(0), 0);

        register(0, STAKE);
        deregister(0);
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.OperatorNotActive.selector, operatorOf(0)));
        governance.increaseStake(operatorOf(0), 0);
    }

    function test_increaseStake__value_differs__reverts() public {
        register(0, STAKE);
        vm.deal(address(this), 2 ether);
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.WrongValue.selector, 2 ether, 1 ether));
        governance.increaseStake{value: 2 ether}(operatorOf(0), 1 ether);
    }

    // ---- leaving

    function test_deregisterOperator__owner__leaves_next_set_only() public {
        register(0, STAKE);
        register(1, STAKE);
        governance.sealOperatorSet();
        vm.prank(ownerOf(operatorOf(0)));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorDeregistered(operatorOf(0));
        governance.deregisterOperator(operatorOf(0));

        Operator memory operator = governance.getOperator(operatorOf(0));
        assertTrue(operator.status == OperatorStatus.EXITING, "exiting");
        assertEq(operator.lastVersion, 1);
        assertEq(governance.sealedSet(1).count, 2);
        governance.sealOperatorSet(); // at once: after an operator left, no epoch has to pass
        SealedSet memory next = governance.sealedSet(2);
        assertEq(next.count, 1);
        assertEq(next.totalStake, STAKE);
        (address gone,) = OperatorSet.entryIn(next.pointer, 0);
        (address stays,) = OperatorSet.entryIn(next.pointer, 1);
        assertEq(gone, address(0));
        assertEq(stays, operatorOf(1)); // in its slot, as before
    }

    function test_deregisterOperator__signing_key__reverts() public {
        register(0, STAKE);
        vm.prank(operatorOf(0));
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.NotOperatorOwner.selector, operatorOf(0)));
        governance.deregisterOperator(operatorOf(0));
    }

    function test_deregisterOperator__twice__reverts() public {
        register(0, STAKE);
        deregister(0);
        vm.prank(ownerOf(operatorOf(0)));
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.OperatorNotActive.selector, operatorOf(0)));
        governance.deregisterOperator(operatorOf(0));
    }

    function test_eject__timelock__leaves_next_set_and_keeps_stake() public {
        register(0, STAKE);
        register(1, STAKE);
        governance.sealOperatorSet();
        vm.prank(timelock);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorEjected(operatorOf(0));
        governance.eject(operatorOf(0));

        Operator memory operator = governance.getOperator(operatorOf(0));
        assertTrue(operator.status == OperatorStatus.EJECTED, "ejected");
        assertEq(operator.stake, STAKE);
        governance.sealOperatorSet();
        assertEq(governance.sealedSet(2).count, 1);
        vm.roll(vm.getBlockNumber() + UNBONDING_BLOCKS);
        complete(0);
        assertEq(destination().balance, STAKE);
    }

    function test_eject__stranger__reverts() public {
        register(0, STAKE);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        governance.eject(operatorOf(0));
    }

    function test_eject__leaving_operator__reverts() public {
        register(0, STAKE);
        deregister(0);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.OperatorNotActive.selector, operatorOf(0)));
        governance.eject(operatorOf(0));
    }

    function test_completeDeregistration__unbonded__pays_stake() public {
        register(0, STAKE);
        register(1, STAKE);
        governance.sealOperatorSet();
        deregister(0);
        governance.sealOperatorSet();
        uint256 unbonded = vm.getBlockNumber() + UNBONDING_BLOCKS;

        vm.roll(unbonded - 1);
        expectCompleteRevert(0, abi.encodeWithSelector(IAvsGovernance.StillUnbonding.selector, unbonded));
        vm.roll(unbonded);
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorExited(operatorOf(0), destination(), STAKE);
        complete(0);
        assertEq(destination().balance, STAKE);
        assertEq(address(governance).balance, STAKE);
        assertEq(governance.getOperator(operatorOf(0)).stake, 0);
        assertTrue(governance.getOperator(operatorOf(0)).status == OperatorStatus.EXITED, "exited");
    }

    function test_completeDeregistration__set_not_superseded__reverts() public {
        register(0, STAKE);
        governance.sealOperatorSet();
        deregister(0);
        vm.roll(vm.getBlockNumber() + 10 * UNBONDING_BLOCKS); // new tasks may still use the sealed key
        expectCompleteRevert(0, abi.encodeWithSelector(IAvsGovernance.StillUnbonding.selector, type(uint64).max));
    }

    function test_completeDeregistration__never_sealed__pays_at_once() public {
        register(0, STAKE);
        deregister(0);
        complete(0);
        assertEq(destination().balance, STAKE);
    }

    function test_completeDeregistration__last_operator__gets_its_stake() public {
        register(0, STAKE);
        governance.sealOperatorSet();
        deregister(0);
        governance.sealOperatorSet();
        assertEq(governance.sealedSet(2).count, 0);
        vm.roll(vm.getBlockNumber() + UNBONDING_BLOCKS);
        complete(0);
        assertEq(address(governance).balance, 0);
    }

    function test_completeDeregistration__not_leaving_or_done__reverts() public {
        register(0, STAKE);
        expectCompleteRevert(0, abi.encodeWithSelector(IAvsGovernance.OperatorNotLeaving.selector, operatorOf(0)));
        leaveAndComplete(0);
        expectCompleteRevert(0, abi.encodeWithSelector(IAvsGovernance.OperatorNotLeaving.selector, operatorOf(0)));
    }

    function test_completeDeregistration__signing_key__reverts() public {
        register(0, STAKE);
        deregister(0);
        vm.prank(operatorOf(0));
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.NotOperatorOwner.selector, operatorOf(0)));
        governance.completeDeregistration(operatorOf(0), operatorOf(0));
    }

    function test_completeDeregistration__to_nobody__reverts() public {
        register(0, STAKE);
        deregister(0);
        vm.prank(ownerOf(operatorOf(0)));
        vm.expectRevert(IAvsGovernance.ZeroAddress.selector);
        governance.completeDeregistration(operatorOf(0), address(0));
    }

    function test_completeDeregistration__receiver_refuses__reverts() public {
        register(0, STAKE);
        deregister(0);
        address refusing = address(new Penniless());
        vm.prank(ownerOf(operatorOf(0)));
        vm.expectRevert(IAvsGovernance.TransferFailed.selector);
        governance.completeDeregistration(operatorOf(0), refusing);
    }

    function test_completeDeregistration__receiver_reenters__reverts() public {
        register(1, STAKE); // another operator's stake, which an attack could take
        ReenteringOwner owner = new ReenteringOwner(governance);
        vm.deal(address(this), STAKE);
        owner.register{value: STAKE}(registrationBy(address(owner), governance, 0, STAKE));
        owner.deregister();
        vm.expectRevert(IAvsGovernance.TransferFailed.selector);
        owner.complete();
        assertEq(address(governance).balance, 2 * STAKE);
    }

    function test_slot__leaver__reused_only_after_exit() public {
        register(0, STAKE);
        register(1, STAKE);
        deregister(0);
        register(2, STAKE);
        assertEq(governance.getOperator(operatorOf(2)).slot, 2);
        complete(0);
        register(3, STAKE);
        assertEq(governance.getOperator(operatorOf(3)).slot, 0);
    }

    // ---- sealOperatorSet

    function test_sealOperatorSet__first__holds_everyone() public {
        register(0, STAKE);
        register(1, 2 * STAKE);
        assertEq(governance.latestVersion(), 0);
        assertEq(governance.sealOperatorSet(), 1);

        SealedSet memory set = governance.sealedSet(1);
        assertEq(governance.latestVersion(), 1);
        assertEq(set.count, 2);
        assertEq(set.totalStake, 3 * STAKE);
        assertEq(set.sealedAt, vm.getBlockNumber());
        (bytes memory key, uint96 stake) = OperatorSet.aggregate(OperatorSet.load(set.pointer), 3);
        assertEq(key, BlsSigner.publicKey(secretOf(3)));
        assertEq(stake, 3 * STAKE);
    }

    function test_sealOperatorSet__any__emits() public {
        register(0, STAKE);
        address pointer = vm.computeCreateAddress(address(governance), vm.getNonce(address(governance)));
        vm.expectEmit(address(governance));
        emit IAvsGovernance.OperatorSetSealed(1, pointer, 1, STAKE);
        governance.sealOperatorSet();
    }

    function test_sealOperatorSet__before_anyone__reverts() public {
        vm.expectRevert(IAvsGovernance.NoOperators.selector);
        governance.sealOperatorSet();
        register(0, STAKE);
        deregister(0);
        vm.expectRevert(IAvsGovernance.NoOperators.selector);
        governance.sealOperatorSet();
    }

    function test_sealOperatorSet__within_the_epoch__reverts() public {
        register(0, STAKE);
        governance.sealOperatorSet();
        uint256 nextBlock = vm.getBlockNumber() + EPOCH_BLOCKS;
        register(1, STAKE); // a new operator waits
        vm.roll(nextBlock - 1);
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.SealedTooRecently.selector, nextBlock));
        governance.sealOperatorSet();
        vm.roll(nextBlock);
        governance.sealOperatorSet();
        assertEq(governance.sealedSet(2).count, 2);
    }

    function test_sealOperatorSet__second_after_one_departure__reverts() public {
        register(0, STAKE);
        register(1, STAKE);
        governance.sealOperatorSet();
        deregister(0);
        governance.sealOperatorSet();
        uint256 nextBlock = vm.getBlockNumber() + EPOCH_BLOCKS;
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.SealedTooRecently.selector, nextBlock));
        governance.sealOperatorSet();
    }

    // ---- ERC-20 stake

    function test_token__register_increase_exit__moves_exact_amounts() public {
        StakeToken token = new StakeToken();
        AvsGovernance withToken = deployGovernance(token);
        token.mint(address(this), STAKE + 5);
        token.approve(address(withToken), STAKE + 5);
        withToken.registerOperator(registrationBy(address(this), withToken, 0, STAKE));
        withToken.increaseStake(operatorOf(0), 5);
        assertEq(token.balanceOf(address(withToken)), STAKE + 5);

        withToken.deregisterOperator(operatorOf(0));
        withToken.completeDeregistration(operatorOf(0), destination());
        assertEq(token.balanceOf(destination()), STAKE + 5);
        assertEq(token.balanceOf(address(withToken)), 0);
    }

    function test_token__coin_sent_along__reverts() public {
        AvsGovernance withToken = deployGovernance(new StakeToken());
        Registration memory registration = registrationBy(address(this), withToken, 0, STAKE);
        vm.deal(address(this), 1);
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.WrongValue.selector, 1, 0));
        withToken.registerOperator{value: 1}(registration);
    }

    function test_token__keeps_a_fee__reverts() public {
        FeeToken token = new FeeToken();
        AvsGovernance withToken = deployGovernance(token);
        token.mint(address(this), STAKE);
        token.approve(address(withToken), STAKE);
        Registration memory registration = registrationBy(address(this), withToken, 0, STAKE);
        vm.expectRevert(abi.encodeWithSelector(IAvsGovernance.WrongValue.selector, STAKE - 1, STAKE));
        withToken.registerOperator(registration);
    }

    function test_token__total_stake_over_uint96__second_registration_reverts() public {
        // The registration must fail and not the seal, which must always work.
        StakeToken token = new StakeToken();
        AvsGovernance withToken = deployGovernance(token);
        token.mint(address(this), type(uint256).max);
        token.approve(address(withToken), type(uint256).max);
        withToken.registerOperator(registrationBy(address(this), withToken, 0, type(uint96).max));
        Registration memory registration = registrationBy(address(this), withToken, 1, STAKE);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        withToken.registerOperator(registration);
        withToken.sealOperatorSet();
    }

    // ---- any order of joining and leaving

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_seals__any_history__equal_a_plain_model(uint8[24] memory choices) public {
        bool[8] memory isActive;
        bool[8] memory isKnown;
        for (uint256 i = 0; i < choices.length; ++i) {
            uint256 index = choices[i] % 8;
            if (!isKnown[index]) {
                register(index, STAKE);
                (isKnown[index], isActive[index]) = (true, true);
            } else if (isActive[index]) {
                deregister(index);
                isActive[index] = false;
            }
        }
        uint256 count = 0;
        for (uint256 index = 0; index < 8; ++index) {
            if (isActive[index]) ++count;
        }
        if (count == 0) return;
        governance.sealOperatorSet();
        SealedSet memory set = governance.sealedSet(1);
        assertEq(set.count, count);
        assertEq(set.totalStake, STAKE * count);
        bytes memory blob = OperatorSet.load(set.pointer);
        for (uint256 index = 0; index < 8; ++index) {
            assertTrue(OperatorSet.contains(blob, operatorOf(index)) == isActive[index], "membership");
        }
    }

    // ---- steps

    function deregister(uint256 index) private {
        vm.prank(ownerOf(operatorOf(index)));
        governance.deregisterOperator(operatorOf(index));
    }

    function complete(uint256 index) private {
        vm.prank(ownerOf(operatorOf(index)));
        governance.completeDeregistration(operatorOf(index), destination());
    }

    /// @dev For an operator that no set holds.
    function leaveAndComplete(uint256 index) private {
        deregister(index);
        complete(index);
    }

    function destination() private pure returns (address) {
        return address(uint160(uint256(keccak256("destination"))));
    }

    function expectCompleteRevert(uint256 index, bytes memory reason) private {
        vm.prank(ownerOf(operatorOf(index)));
        vm.expectRevert(reason);
        governance.completeDeregistration(operatorOf(index), destination());
    }

    function expectBadPossession(Registration memory registration) private {
        expectRegisterRevert(registration, STAKE, abi.encodeWithSelector(IAvsGovernance.BadPossession.selector));
    }

    function expectRegisterRevert(Registration memory registration, uint256 value, bytes memory reason) private {
        address owner = ownerOf(registration.signingKey);
        vm.deal(owner, value);
        vm.prank(owner);
        vm.expectRevert(reason);
        governance.registerOperator{value: value}(registration);
    }
}
