// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";
import { IEscrowEvents } from "../src/interfaces/IEscrowEvents.sol";

contract ClaimTest is EscrowFixture {
    function test_claim_ofNothingIsRefused() public {
        vm.expectRevert(IEscrowErrors.EmptyBatch.selector);
        escrow.claim(new SignedVoucher[](0));
    }

    function test_claim_refusesAnotherEpoch() public {
        Voucher memory voucher = voucherTo(provider, UNIT);
        voucher.epoch = 1;
        SignedVoucher memory ahead = sign(PAYER_KEY, voucher);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.WrongEpoch.selector, 0, uint32(1), uint32(0)));
        claimAs(provider, ahead);
    }

    function test_claim_refusesWhatAddsNothing() public {
        claimTo(provider, 2 * UNIT);
        uint96[3] memory amounts = [2 * UNIT, UNIT, 0];
        for (uint256 i; i < amounts.length; ++i) {
            SignedVoucher memory stale = signed(provider, amounts[i]);
            vm.expectRevert(
                abi.encodeWithSelector(IEscrowErrors.StaleVoucher.selector, 0, 2 * UNIT, amounts[i])
            );
            claimAs(provider, stale);
        }
    }

    function test_claim_tellsWhichEntryOfABatchIsBad() public {
        SignedVoucher[] memory batch = new SignedVoucher[](3);
        batch[0] = signed(provider, UNIT);
        batch[1] = signed(stranger, UNIT);
        batch[2] = signed(provider, UNIT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.StaleVoucher.selector, 2, UNIT, UNIT));
        escrow.claim(batch);
        vm.assertEq(potGross(provider), 0);

        batch[2] = signed(provider, 3 * UNIT);
        escrow.claim(batch);
        vm.assertEq(potGross(provider), 3 * UNIT);
        vm.assertEq(potGross(stranger), UNIT);
    }

    function test_claim_movesWhatIsAddedFromBalanceToPot() public {
        vm.expectEmit();
        emit IEscrowEvents.Claimed(payer, provider, MODEL, relay, 2 * UNIT, 2 * UNIT);
        claimTo(provider, 2 * UNIT);
        vm.expectEmit();
        emit IEscrowEvents.Claimed(payer, provider, MODEL, relay, UNIT, 3 * UNIT);
        claimTo(provider, 3 * UNIT);
        vm.assertEq(potGross(provider), 3 * UNIT);
        vm.assertEq(escrow.account(payer).balance, DEPOSIT - bondOf(DEPOSIT) - 3 * UNIT);
        vm.assertEq(escrow.account(payer).bond, bondOf(DEPOSIT));
        vm.assertEq(token.balanceOf(address(escrow)), DEPOSIT);
    }

    function testFuzz_claim_neverCountsMoreThanIsSigned(uint96[6] calldata amounts) public {
        uint96 highest;
        for (uint256 i; i < amounts.length; ++i) {
            uint96 amount = uint96(bound(amounts[i], 1, 100 * UNIT));
            SignedVoucher memory voucher = signed(provider, amount);
            if (amount <= highest) vm.expectPartialRevert(IEscrowErrors.StaleVoucher.selector);
            claimAs(carrier, voucher);
            if (amount > highest) highest = amount;
            vm.assertEq(escrow.claimedOf(payer, 0, provider, MODEL), highest);
            vm.assertEq(potGross(provider), highest);
        }
    }

    function test_claim_keepsModelsAndProvidersApart() public {
        Voucher memory other = voucherTo(provider, 2 * UNIT);
        other.model = keccak256("another");
        claimTo(provider, UNIT);
        claimAs(provider, sign(PAYER_KEY, other));
        claimTo(stranger, 3 * UNIT);
        vm.assertEq(potGross(provider), UNIT);
        vm.assertEq(escrow.potOf(provider, other.model, relay).gross, 2 * UNIT);
        vm.assertEq(potGross(stranger), 3 * UNIT);
    }

    function test_claim_countsOnOverRelaysAndPaysEachWhatItsVouchersAdd() public {
        address second = named("second relay");
        Voucher memory voucher = voucherTo(provider, 3 * UNIT);
        voucher.relay = second;
        claimTo(provider, UNIT);
        claimAs(provider, sign(PAYER_KEY, voucher));
        vm.assertEq(potGross(provider), UNIT);
        vm.assertEq(escrow.potOf(provider, MODEL, second).gross, 2 * UNIT);
    }

    function test_claim_tipsACarrierButNotTheProvider() public {
        claimTo(provider, 10 * UNIT);
        vm.assertEq(escrow.creditOf(provider), 0);
        vm.assertEq(escrow.potOf(provider, MODEL, relay).tips, 0);
        claimAs(carrier, signed(provider, 20 * UNIT));
        vm.assertEq(escrow.creditOf(carrier), UNIT / 10);
        vm.assertEq(escrow.potOf(provider, MODEL, relay).tips, UNIT / 10);
        // One per cent of 500 is more than the cap of one.
        claimAs(carrier, signed(provider, 520 * UNIT));
        vm.assertEq(escrow.creditOf(carrier), UNIT / 10 + UNIT);
        vm.assertEq(potGross(provider), 520 * UNIT);
    }

    function test_claim_ofDustPaysNoTip() public {
        claimAs(carrier, signed(provider, 99));
        vm.assertEq(escrow.creditOf(carrier), 0);
        vm.assertEq(potGross(provider), 99);
    }

    function test_claim_ofOneWithoutStakeIsCappedByTheDay() public {
        vm.assertEq(escrow.dailyLeft(stranger), DAILY_CAP);
        vm.assertEq(escrow.dailyLeft(provider), type(uint96).max);
        claimTo(stranger, 80 * UNIT);
        vm.assertEq(potGross(stranger), DAILY_CAP);
        vm.assertEq(escrow.dailyLeft(stranger), 0);
        vm.assertEq(escrow.defaultOf(payer, 0).closesAt, 0);

        SignedVoucher memory same = signed(stranger, 80 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingPayable.selector, 0, 0));
        claimAs(stranger, same);
        vm.warp((START / 1 days + 1) * 1 days);
        vm.assertEq(escrow.dailyLeft(stranger), DAILY_CAP);
        claimAs(stranger, same);
        vm.assertEq(potGross(stranger), 80 * UNIT);
        vm.assertEq(escrow.dailyLeft(stranger), DAILY_CAP - 30 * UNIT);
        claimTo(stranger, 90 * UNIT);
        vm.assertEq(escrow.dailyLeft(stranger), DAILY_CAP - 40 * UNIT);
    }

    function test_claim_isFreeOfTheDaysCapWithStake() public {
        claimTo(provider, 800 * UNIT);
        vm.assertEq(potGross(provider), 800 * UNIT);
        stakeFor(stranger);
        claimTo(stranger, 60 * UNIT);
        vm.assertEq(potGross(stranger), 60 * UNIT);
    }

    function test_claim_isFreeOfTheCapAsSoonAsThereIsStake() public {
        claimTo(stranger, 80 * UNIT);
        vm.assertEq(potGross(stranger), DAILY_CAP);
        stakeFor(stranger);
        vm.assertEq(escrow.dailyLeft(stranger), type(uint96).max);
        claimTo(stranger, 200 * UNIT);
        vm.assertEq(potGross(stranger), 200 * UNIT);
    }

    function test_claim_isCappedFromTheDayAfterTheStakeHasGone() public {
        claimTo(provider, 10 * UNIT);
        vm.prank(provider);
        stake.unbond(100 * UNIT);
        claimTo(provider, 200 * UNIT);
        vm.assertEq(potGross(provider), 200 * UNIT);
        vm.warp((START / 1 days + 1) * 1 days - 1);
        claimTo(provider, 300 * UNIT);
        vm.warp((START / 1 days + 1) * 1 days);
        vm.assertEq(escrow.dailyLeft(provider), DAILY_CAP);
        claimTo(provider, 400 * UNIT);
        vm.assertEq(potGross(provider), 300 * UNIT + DAILY_CAP);
    }

    function test_claim_asksForStakeOnceADay() public {
        bytes memory question = abi.encodeCall(stake.hasStake, (provider));
        claimTo(provider, UNIT);
        SignedVoucher memory next = signed(provider, 2 * UNIT);
        vm.expectCall(address(stake), question, 0);
        claimAs(provider, next);
    }

    /// @dev As after a slash of one unit. What the cap keeps back stays claimable.
    function test_claim_ofAJailedProviderIsCappedFromTheNextDayOn() public {
        vm.prank(timelock);
        stake.setCourt(address(this));
        claimTo(provider, 100 * UNIT);
        stake.jail(provider);
        claimTo(provider, 200 * UNIT);
        vm.assertEq(potGross(provider), 200 * UNIT);
        vm.warp((START / 1 days + 1) * 1 days);
        vm.assertEq(escrow.dailyLeft(provider), DAILY_CAP);
        claimTo(provider, 400 * UNIT);
        vm.assertEq(potGross(provider), 200 * UNIT + DAILY_CAP);
        stake.unjail(provider);
        claimTo(provider, 400 * UNIT);
        vm.assertEq(potGross(provider), 400 * UNIT);
    }

    function test_claim_isNotHinderedByAHigherMinimum() public {
        vm.prank(timelock);
        stake.setMinimum(10_000 * UNIT);
        vm.assertFalse(stake.isActive(provider));
        claimTo(provider, 800 * UNIT);
        vm.assertEq(potGross(provider), 800 * UNIT);
    }

    function test_claimable_saysWhatClaimDoes() public {
        uint96 balance = escrow.account(payer).balance;
        (uint96 paid, uint96 short) = escrow.claimable(signed(provider, balance + 2 * UNIT));
        vm.assertEq(paid, balance);
        vm.assertEq(short, 2 * UNIT);
        claimTo(provider, UNIT);
        (paid, short) = escrow.claimable(signed(provider, 3 * UNIT));
        vm.assertEq(paid, 2 * UNIT);
        vm.assertEq(short, 0);
        SignedVoucher memory stale = signed(provider, UNIT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.StaleVoucher.selector, 0, UNIT, UNIT));
        escrow.claimable(stale);
    }

    function test_claim_againstAnAccountThatNeverWasIsRefused() public {
        Voucher memory voucher = voucherTo(provider, UNIT);
        voucher.payer = vm.addr(77);
        SignedVoucher memory bare = sign(77, voucher);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingPayable.selector, 0, UNIT));
        claimAs(provider, bare);
    }
}
