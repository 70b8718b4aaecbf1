// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";
import { IEscrowEvents } from "../src/interfaces/IEscrowEvents.sol";

/// @dev The fixture's bond is 50: five per cent of 1000.
contract DefaultTest is EscrowFixture {
    uint96 private constant BOND = 50 * UNIT;
    uint40 private constant CLOSES_AT = uint40(START) + WINDOW;

    function test_settleDefault_needsOneAndItsWindow() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotInDefault.selector, payer));
        escrow.settleDefault(payer);
        drain();
        claimTo(stranger, UNIT);
        vm.warp(CLOSES_AT - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, CLOSES_AT));
        escrow.settleDefault(payer);
        vm.warp(CLOSES_AT);
        escrow.settleDefault(payer);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotInDefault.selector, payer));
        escrow.settleDefault(payer);
    }

    function test_shortfall_opensADefaultAndIsNoted() public {
        uint96 balance = drain();
        vm.expectEmit();
        emit IEscrowEvents.Claimed(payer, provider, MODEL, relay, 0, balance + 2 * UNIT);
        vm.expectEmit();
        emit IEscrowEvents.Shortfall(payer, provider, MODEL, relay, 0, 2 * UNIT, CLOSES_AT);
        claimTo(provider, balance + 2 * UNIT);
        vm.assertEq(owed(provider), 2 * UNIT);
        vm.assertEq(escrow.defaultOf(payer, 0).owed, 2 * UNIT);
        vm.assertEq(escrow.defaultOf(payer, 0).closesAt, CLOSES_AT);
        vm.assertEq(potGross(provider), balance);
        vm.assertEq(escrow.account(payer).bond, BOND);
    }

    function test_shortfall_paysNoTip() public {
        uint96 balance = drain();
        claimAs(carrier, signed(provider, balance + 40 * UNIT));
        vm.assertEq(escrow.creditOf(carrier), 0);
    }

    function test_shortfall_ofOneClaimIsOnlyWhatTheBalanceDoesNotCover() public {
        uint96 balance = escrow.account(payer).balance;
        claimTo(provider, balance + 2 * UNIT);
        vm.assertEq(potGross(provider), balance);
        vm.assertEq(owed(provider), 2 * UNIT);
    }

    function test_shortfall_countsNoMoreThanTheBondForEachProvider() public {
        uint96 balance = drain();
        claimTo(provider, balance + 500 * UNIT);
        vm.assertEq(owed(provider), BOND);
        // Nor over another model, or another relay.
        Voucher memory other = voucherTo(provider, UNIT);
        other.model = keccak256("another");
        SignedVoucher memory more = sign(PAYER_KEY, other);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingPayable.selector, 0, UNIT));
        claimAs(provider, more);
        vm.assertEq(escrow.claimedOf(payer, 0, provider, MODEL), balance + BOND);
    }

    function test_shortfall_canBeAddedUntilTheWindowCloses() public {
        uint96 balance = drain();
        claimTo(provider, balance + UNIT);
        SignedVoucher memory late = signed(stranger, UNIT);
        vm.warp(CLOSES_AT - 1);
        claimTo(provider, balance + 2 * UNIT);
        vm.assertEq(owed(provider), 2 * UNIT);
        vm.assertEq(escrow.defaultOf(payer, 0).closesAt, CLOSES_AT);
        vm.warp(CLOSES_AT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.DefaultClosed.selector, 0, payer, CLOSES_AT));
        claimAs(stranger, late);
    }

    function test_settleDefault_paysAllWhenTheBondSufficesAndBurnsTheRest() public {
        uint96 balance = drain();
        claimTo(provider, balance + 2 * UNIT);
        claimTo(stranger, 3 * UNIT);
        vm.warp(CLOSES_AT);
        uint256 supply = token.totalSupply();
        vm.expectEmit();
        emit IEscrowEvents.DefaultSettled(payer, 0, 5 * UNIT, 5 * UNIT, 45 * UNIT);
        escrow.settleDefault(payer);
        vm.assertEq(token.totalSupply(), supply - 45 * UNIT);
        Account memory account = escrow.account(payer);
        vm.assertEq(account.bond, 0);
        vm.assertEq(account.epoch, 1);

        vm.expectEmit();
        emit IEscrowEvents.DefaultCollected(payer, 0, stranger, 3 * UNIT, 3 * UNIT);
        escrow.collectDefault(payer, 0, stranger, MODEL, relay);
        escrow.collectDefault(payer, 0, provider, MODEL, relay);
        vm.assertEq(potGross(stranger), 3 * UNIT);
        vm.assertEq(potGross(provider), balance + 2 * UNIT);
        vm.assertEq(escrow.defaultOf(payer, 0).payout, 0);
        vm.assertEq(escrow.defaultOf(payer, 0).owed, 0);
    }

    function testFuzz_settleDefault_sharesTheBondProRataToTheLastUnit(
        uint96 first,
        uint96 second,
        uint96 third
    ) public {
        address[3] memory payees = [provider, named("b"), named("c")];
        stakeFor(payees[1]);
        stakeFor(payees[2]);
        uint96[3] memory shorts =
            [uint96(bound(first, 1, BOND)), uint96(bound(second, 1, BOND)), uint96(bound(third, 1, BOND))];
        uint96 balance = drain();
        claimTo(payees[0], balance + shorts[0]);
        claimTo(payees[1], shorts[1]);
        claimTo(payees[2], shorts[2]);
        vm.warp(CLOSES_AT);
        escrow.settleDefault(payer);
        uint256 all = uint256(shorts[0]) + shorts[1] + shorts[2];
        uint256 payout = all < BOND ? all : BOND;
        uint256 paid;
        for (uint256 i; i < 3; ++i) {
            uint256 before = potGross(payees[i]);
            escrow.collectDefault(payer, 0, payees[i], MODEL, relay);
            uint256 got = potGross(payees[i]) - before;
            uint256 fair = payout * shorts[i] / all;
            if (i == 0) vm.assertEq(got, fair, "the first to collect, rounded down");
            vm.assertGe(got + 1, fair, "not less than fair, but for a unit");
            vm.assertLe(got, fair + 2, "not more than fair, but for the odd units");
            paid += got;
        }
        vm.assertEq(paid, payout, "all of the payout");
        vm.assertEq(escrow.defaultOf(payer, 0).payout, 0, "nothing is left");
    }

    /// @dev Nobody carries what a bond pays: all of the pot's is shared as it is.
    function test_collectDefault_addsNoTipToThePot() public {
        drain();
        claimTo(stranger, 10 * UNIT);
        vm.warp(CLOSES_AT);
        escrow.settleDefault(payer);
        escrow.collectDefault(payer, 0, stranger, MODEL, relay);
        vm.assertEq(escrow.potOf(stranger, MODEL, relay).tips, 0);
        escrow.sweep(stranger, MODEL, relay);
        vm.assertEq(token.balanceOf(stranger), 8 * UNIT);
    }

    function test_collectDefault_waitsForTheSettlement() public {
        drain();
        claimTo(stranger, UNIT);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.InDefault.selector, payer, CLOSES_AT));
        escrow.collectDefault(payer, 0, stranger, MODEL, relay);
    }

    function test_collectDefault_paysEachLineOnce() public {
        drain();
        claimTo(stranger, UNIT);
        vm.warp(CLOSES_AT);
        escrow.settleDefault(payer);
        escrow.collectDefault(payer, 0, stranger, MODEL, relay);
        bytes memory nothing = abi.encodeWithSelector(IEscrowErrors.NothingToCollect.selector, stranger);
        vm.expectRevert(nothing);
        escrow.collectDefault(payer, 0, stranger, MODEL, relay);
        vm.expectRevert(nothing);
        escrow.collectDefault(payer, 1, stranger, MODEL, relay);
        vm.expectRevert(nothing);
        escrow.collectDefault(payer, 0, stranger, MODEL, address(0));
    }

    function test_default_ofALaterEpochIsItsOwn() public {
        drain();
        claimTo(stranger, UNIT);
        vm.warp(CLOSES_AT);
        escrow.settleDefault(payer);
        vm.prank(payer);
        escrow.deposit(DEPOSIT);
        uint96 balance = escrow.account(payer).balance;
        claimTo(provider, balance + 4 * UNIT);
        vm.assertEq(escrow.defaultOf(payer, 1).owed, 4 * UNIT);
        escrow.collectDefault(payer, 0, stranger, MODEL, relay);
        vm.assertEq(potGross(stranger), UNIT);
        vm.warp(block.timestamp + WINDOW);
        escrow.settleDefault(payer);
        escrow.collectDefault(payer, 1, provider, MODEL, relay);
        vm.assertEq(escrow.account(payer).epoch, 2);
    }
}
