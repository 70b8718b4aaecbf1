// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";

/// @dev What a provider's day is charged, and what it is not: the stranger has no stake, and a cheat's account is empty.
contract DailyCapTest is EscrowFixture {
    uint256 private constant CHEAT_KEY = 0xBAD;
    uint256 private constant POOR_KEY = 0xB0B;
    uint96 private constant CHEAT_DEPOSIT = 4_000 * UNIT;
    uint96 private constant CHEAT_BOND = 200 * UNIT;
    bytes32 private constant OTHER = keccak256("the cheat's model");

    address private cheat = vm.addr(CHEAT_KEY);

    /// @dev A cheat that has spent its balance at its own, staked provider. What it signs now can only be owed.
    function setUp() public override {
        super.setUp();
        fund(cheat, CHEAT_DEPOSIT);
        vm.prank(cheat);
        escrow.deposit(CHEAT_DEPOSIT);
        claimAs(provider, fromCheat(provider, CHEAT_DEPOSIT - CHEAT_BOND));
        vm.assertEq(escrow.account(cheat).balance, 0);
    }

    function test_dailyCap_isNotUsedUpByAStrangersEmptyAccount() public {
        SignedVoucher memory honest = signed(stranger, DAILY_CAP);
        vm.prank(payer);
        escrow.requestWithdrawal();
        uint256 leaves = escrow.account(payer).withdrawAt;
        uint96 signed_;
        for (uint256 day = START / 1 days; day * 1 days < leaves; ++day) {
            if (day * 1 days > START) vm.warp(day * 1 days);
            signed_ += DAILY_CAP;
            tryClaim(fromCheat(stranger, signed_));
            vm.assertEq(escrow.dailyLeft(stranger), DAILY_CAP);
        }
        vm.assertGt(escrow.owedOf(cheat, 0, stranger, OTHER, address(0)), 0, "the cheat did come through");
        claimAs(carrier, honest);
        vm.assertEq(potGross(stranger), DAILY_CAP);
        vm.assertEq(escrow.dailyLeft(stranger), 0);
    }

    function test_dailyCap_isChargedWhatIsPaidAndNotTheRest() public {
        Voucher memory voucher = voucherTo(stranger, 50 * UNIT);
        (voucher.payer, voucher.epoch) = (poor(20 * UNIT), 0);
        claimAs(carrier, sign(POOR_KEY, voucher));
        vm.assertEq(potGross(stranger), 19 * UNIT);
        vm.assertEq(escrow.dailyLeft(stranger), DAILY_CAP - 19 * UNIT);
        vm.assertEq(escrow.owedOf(voucher.payer, 0, stranger, MODEL, relay), UNIT);
    }

    function test_dailyCap_isChargedWhatIsPaidInABatchOfOnePot() public {
        Voucher memory empty = voucherTo(stranger, 40 * UNIT);
        empty.payer = cheat;
        PotVoucher[] memory batch = new PotVoucher[](3);
        batch[0] = compactOf(sign(CHEAT_KEY, empty));
        batch[1] = compactOf(signed(stranger, 30 * UNIT));
        batch[2] = compactOf(signed(stranger, 80 * UNIT));
        escrow.claimToPot(stranger, MODEL, relay, batch);
        vm.assertEq(potGross(stranger), DAILY_CAP);
        vm.assertEq(escrow.dailyLeft(stranger), 0);
        vm.assertEq(escrow.claimedOf(payer, 0, stranger, MODEL), DAILY_CAP);
        vm.assertEq(escrow.owedOf(cheat, 0, stranger, MODEL, relay), 40 * UNIT);
    }

    function testFuzz_dailyCap_isChargedToTheUnitWhatReachesThePot(uint96[8] calldata amounts) public {
        uint96 empty;
        uint96 full;
        for (uint256 i; i < amounts.length; ++i) {
            uint96 amount = uint96(bound(amounts[i] >> 1, 1, 20 * UNIT));
            if (amounts[i] % 2 == 0) tryClaim(fromCheat(stranger, empty += amount));
            else tryClaim(signed(stranger, full += amount));
            vm.assertEq(escrow.dailyLeft(stranger), DAILY_CAP - potGross(stranger));
            vm.assertEq(potGross(stranger), full < DAILY_CAP ? full : DAILY_CAP);
        }
    }

    function test_dailyCap_thatIsUsedUpKeepsNoShortfallOut() public {
        claimTo(stranger, DAILY_CAP);
        claimAs(carrier, fromCheat(stranger, 10 * UNIT));
        vm.assertEq(escrow.owedOf(cheat, 0, stranger, OTHER, address(0)), 10 * UNIT);
    }

    /// @dev What the balance could pay tomorrow must not make a payer a defaulter today.
    function test_dailyCap_neverTurnsABalanceIntoAShortfall() public {
        claimTo(provider, 890 * UNIT);
        (uint96 paid, uint96 short) = escrow.claimable(signed(stranger, 80 * UNIT));
        vm.assertEq(paid, DAILY_CAP);
        vm.assertEq(short, 0);
        claimTo(stranger, 80 * UNIT);
        vm.assertEq(escrow.account(payer).balance, 10 * UNIT);
        vm.assertEq(escrow.defaultOf(payer, 0).closesAt, 0);
        SignedVoucher memory rest = signed(stranger, 80 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingPayable.selector, 0, 0));
        escrow.claimable(rest);
        vm.warp((START / 1 days + 1) * 1 days);
        (paid, short) = escrow.claimable(rest);
        vm.assertEq(paid, 10 * UNIT);
        vm.assertEq(short, 20 * UNIT);
    }

    /// @dev The balance and the day end at the same unit: what is beyond both is the payer's fault.
    function test_dailyCap_thatEndsWithTheBalanceLeavesAShortfall() public {
        claimTo(provider, 900 * UNIT);
        claimTo(stranger, 80 * UNIT);
        vm.assertEq(potGross(stranger), DAILY_CAP);
        vm.assertEq(owed(stranger), 30 * UNIT);
    }

    function test_shortfall_withoutStakeCountsADaysCapForEachDayOfTheDefault() public {
        claimAs(carrier, fromCheat(named("another"), UNIT));
        claimAs(carrier, fromCheat(stranger, 500 * UNIT));
        vm.assertEq(escrow.owedOf(cheat, 0, stranger, OTHER, address(0)), DAILY_CAP);
        vm.warp(START + 1 days - 1);
        refusedAsEmpty(fromCheat(stranger, 500 * UNIT), 450 * UNIT);
        vm.warp(START + 1 days);
        claimAs(carrier, fromCheat(stranger, 500 * UNIT));
        vm.assertEq(escrow.owedOf(cheat, 0, stranger, OTHER, address(0)), 2 * DAILY_CAP);
        vm.warp(START + WINDOW - 1);
        claimAs(carrier, fromCheat(stranger, 500 * UNIT));
        vm.assertEq(escrow.owedOf(cheat, 0, stranger, OTHER, address(0)), CHEAT_BOND);
        vm.assertEq(escrow.dailyLeft(stranger), DAILY_CAP);
    }

    /// @dev Each payer's default has a bound of its own, so that no stranger uses up another's.
    function test_shortfall_withoutStakeIsBoundForEachPayer() public {
        claimAs(carrier, fromCheat(stranger, DAILY_CAP));
        drain();
        claimTo(stranger, DAILY_CAP);
        vm.assertEq(owed(stranger), DAILY_CAP);
    }

    function test_shortfall_withStakeCountsUpToTheBondAtOnce() public {
        stakeFor(stranger);
        claimAs(carrier, fromCheat(stranger, 500 * UNIT));
        vm.assertEq(escrow.owedOf(cheat, 0, stranger, OTHER, address(0)), CHEAT_BOND);
    }

    function test_shortfall_ofOneWhoseStakeHasGoneIsKept() public {
        claimAs(provider, fromCheat(provider, CHEAT_DEPOSIT - CHEAT_BOND + 150 * UNIT));
        vm.prank(provider);
        stake.unbond(100 * UNIT);
        vm.warp((START / 1 days + 1) * 1 days);
        refusedAsEmpty(fromCheat(provider, CHEAT_DEPOSIT), 50 * UNIT);
        vm.assertEq(escrow.owedOf(cheat, 0, provider, OTHER, address(0)), 150 * UNIT);
    }

    function test_claim_ofNothingSaysWhetherTheDayOrTheMoneyIsUsedUp() public {
        claimAs(carrier, fromCheat(stranger, DAILY_CAP));
        claimTo(stranger, DAILY_CAP);
        SignedVoucher memory tomorrow = signed(stranger, DAILY_CAP + UNIT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingPayable.selector, 0, 0));
        escrow.claimable(tomorrow);
        refusedAsEmpty(fromCheat(stranger, DAILY_CAP + UNIT), UNIT);
    }

    /// @dev A face costs its signer nothing. `claimable` tells a carrier beforehand what is behind it: of a deposit of
    /// two units the balance pays one, and the bond of one is no payment.
    function test_claimable_tellsAFaceFromMoney() public {
        address broke = poor(2);
        Voucher memory voucher;
        uint256 paid;
        for (uint256 i; i < 112; ++i) {
            voucher = Voucher(broke, vm.addr(0x5B11 + i), OTHER, relay, 0, type(uint96).max);
            SignedVoucher memory face = sign(POOR_KEY, voucher);
            (uint96 now_, uint96 short) = escrow.claimable(face);
            vm.assertEq(now_, i == 0 ? 1 : 0);
            vm.assertEq(short, 1);
            paid += now_;
            claimAs(carrier, face);
        }
        vm.assertEq(paid, 1);
        vm.assertEq(escrow.creditOf(carrier), 0);
    }

    function poor(uint96 amount) private returns (address owner) {
        owner = vm.addr(POOR_KEY);
        fund(owner, amount);
        vm.prank(owner);
        escrow.deposit(amount);
    }

    function fromCheat(address to, uint96 cumulative) private view returns (SignedVoucher memory) {
        return sign(CHEAT_KEY, Voucher(cheat, to, OTHER, address(0), 0, cumulative));
    }

    function tryClaim(SignedVoucher memory voucher) private {
        SignedVoucher[] memory batch = new SignedVoucher[](1);
        batch[0] = voucher;
        try escrow.claim(batch) { } catch { }
    }

    function refusedAsEmpty(SignedVoucher memory voucher, uint256 allowed) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingPayable.selector, 0, allowed));
        escrow.claimable(voucher);
    }
}
