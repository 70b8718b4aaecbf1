// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";

/// @dev What SECURITY.md says of the risks that we accept, where no other test shows it.
contract KnownRisksTest is EscrowFixture {
    uint256 private constant OTHER_KEY = 0x07E5;
    uint256 private constant TOMORROW = (START / 1 days + 1) * 1 days;

    address private other = vm.addr(OTHER_KEY);

    function setUp() public override {
        super.setUp();
        fund(other, DEPOSIT);
        vm.prank(other);
        escrow.deposit(DEPOSIT);
    }

    function test_dayUsedUpByAStranger_leavesOtherVouchersForTomorrow() public {
        Voucher memory voucher = voucherTo(stranger, DAILY_CAP);
        (voucher.payer, voucher.epoch) = (other, 0);
        claimAs(other, sign(OTHER_KEY, voucher));
        SignedVoucher memory honest = signed(stranger, 10 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingPayable.selector, 0, 0));
        escrow.claimable(honest);
        vm.warp(TOMORROW);
        claimAs(stranger, honest);
        vm.assertEq(potGross(stranger), DAILY_CAP + 10 * UNIT);
        vm.assertEq(escrow.account(other).balance, DEPOSIT - bondOf(DEPOSIT) - DAILY_CAP);
        escrow.sweep(stranger, MODEL, relay);
        vm.assertGe(token.balanceOf(stranger), (DAILY_CAP + 10 * UNIT) / 2, "half at least");
    }

    function test_default_paysBesideTheDayOfOneWithoutStake() public {
        drain();
        claimTo(stranger, 20 * UNIT);
        vm.assertEq(owed(stranger), 20 * UNIT);
        vm.warp(START + WINDOW);
        escrow.settleDefault(payer);
        Voucher memory voucher = voucherTo(stranger, DAILY_CAP);
        (voucher.payer, voucher.epoch) = (other, 0);
        claimAs(stranger, sign(OTHER_KEY, voucher));
        vm.assertEq(escrow.dailyLeft(stranger), 0);
        escrow.collectDefault(payer, 0, stranger, MODEL, relay);
        vm.assertEq(potGross(stranger), DAILY_CAP + 20 * UNIT);
        vm.assertEq(escrow.dailyLeft(stranger), 0);
    }

    /// @dev Who copies a claim that waits, and comes first, is its carrier.
    function test_pendingClaim_givesItsTipToWhoeverIsFirst() public {
        SignedVoucher memory pending = signed(provider, 520 * UNIT);
        claimAs(stranger, pending);
        vm.assertEq(escrow.creditOf(stranger), UNIT);
        vm.expectRevert(
            abi.encodeWithSelector(IEscrowErrors.StaleVoucher.selector, 0, 520 * UNIT, 520 * UNIT)
        );
        escrow.claimable(pending);
        vm.assertEq(potGross(provider), 520 * UNIT);
    }

    /// @dev A day that costs a payee without stake time, and a session whose grace ends meanwhile.
    function test_payersDay_canOutlastASession() public {
        openSession(500 * UNIT);
        for (uint256 i; i < 4; ++i) {
            claimTo(named(string(abi.encodePacked("payee", i))), DAILY_CAP);
        }
        SignedVoucher memory late = sign(SESSION_KEY, voucherTo(stranger, 30 * UNIT));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingPayable.selector, 0, 0));
        escrow.claimable(late);
        uint256 snapshot = vm.snapshotState();
        vm.warp(TOMORROW);
        claimAs(stranger, late);
        vm.assertEq(potGross(stranger), 30 * UNIT);
        vm.revertToState(snapshot);
        vm.warp(START + 7 days + GRACE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IEscrowErrors.SessionExpired.selector, 0, key, START + 7 days + GRACE)
        );
        escrow.claimable(late);
    }
}
