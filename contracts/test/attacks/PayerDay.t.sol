// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "../EscrowFixture.sol";
import { IEscrowErrors } from "../../src/interfaces/IEscrowErrors.sol";

/// @dev One payer and many payees without stake: the cap of a payee's day alone is as wide as addresses are many.
contract PayerDayTest is EscrowFixture {
    uint256 private constant TOMORROW = (START / 1 days + 1) * 1 days;

    /// @dev The attack that was run: before, a payer's day had no cap, and each payee's was filled.
    function test_manyAddresses_werePaidAllWhereAPayersDayHasNoCap() public {
        Config memory init = config();
        init.payerDailyCap = type(uint96).max;
        escrow = deployEscrow(init);
        fund(payer, 0);
        vm.prank(payer);
        escrow.deposit(DEPOSIT);
        vm.assertEq(escrow.account(payer).balance, 950 * UNIT);
        SignedVoucher[] memory batch = new SignedVoucher[](19);
        for (uint256 i; i < 19; ++i) {
            batch[i] = signed(sybil(i), DAILY_CAP);
        }
        escrow.claim(batch);
        vm.assertEq(escrow.account(payer).balance, 0);
    }

    /// @dev And with the cap.
    function test_manyAddresses_areTogetherPaidNoMoreThanThePayersDay() public {
        uint256 paid;
        for (uint256 i; i < 19; ++i) {
            tryClaim(signed(sybil(i), DAILY_CAP));
            paid += potGross(sybil(i));
        }
        vm.assertEq(paid, PAYER_CAP);
        vm.assertEq(escrow.payerDailyLeft(payer), 0);
        vm.assertEq(escrow.account(payer).balance, 950 * UNIT - PAYER_CAP);
        vm.assertEq(escrow.defaultOf(payer, 0).closesAt, 0);
    }

    /// @dev An honest payer of forty, each owed a twentieth of a day's cap: all are paid on the first day.
    function test_oneHonestPayer_paysManyWithoutStake() public {
        for (uint256 i; i < 40; ++i) {
            claimTo(sybil(i), 5 * UNIT);
            vm.assertEq(potGross(sybil(i)), 5 * UNIT);
        }
    }

    /// @dev And one that owes all of them more than a day allows pays the rest on the next days.
    function test_oneHonestPayer_paysTheRestOnTheNextDays() public {
        for (uint256 day; day < 4; ++day) {
            for (uint256 i; i < 19; ++i) {
                tryClaim(signed(sybil(i), 40 * UNIT));
            }
            vm.warp((START / 1 days + day + 1) * 1 days);
        }
        for (uint256 i; i < 19; ++i) {
            vm.assertEq(potGross(sybil(i)), 40 * UNIT);
        }
    }

    function test_stake_isFreeOfThePayersDayAndLeavesItAlone() public {
        claimTo(provider, 600 * UNIT);
        vm.assertEq(escrow.payerDailyLeft(payer), PAYER_CAP);
        fillDay(0);
        claimTo(provider, 650 * UNIT);
        vm.assertEq(potGross(provider), 650 * UNIT);
    }

    function test_payersDay_isChargedWhatIsPaidByEitherWayToClaim() public {
        claimTo(stranger, 20 * UNIT);
        PotVoucher[] memory batch = new PotVoucher[](2);
        batch[0] = compactOf(signed(stranger, 30 * UNIT));
        batch[1] = compactOf(signed(stranger, 70 * UNIT));
        escrow.claimToPot(stranger, MODEL, relay, batch);
        vm.assertEq(potGross(stranger), DAILY_CAP);
        vm.assertEq(escrow.payerDailyLeft(payer), PAYER_CAP - DAILY_CAP);
        vm.warp(TOMORROW);
        vm.assertEq(escrow.payerDailyLeft(payer), PAYER_CAP);
    }

    /// @dev What the day keeps back is no shortfall, and no reason to leave.
    function test_withdraw_waitsUntilTheDayAfterAFullOneIsOver() public {
        fillDay(0);
        vm.startPrank(payer);
        escrow.requestWithdrawal();
        vm.stopPrank();
        uint256 leaves = escrow.account(payer).withdrawAt;
        vm.warp(leaves);
        fillDay(1);
        uint40 freeAt = uint40((leaves / 1 days + 2) * 1 days);
        mayNotLeaveBefore(freeAt);
        // The payer's own dust at the beginning of the next day does not end the wait.
        vm.warp((leaves / 1 days + 1) * 1 days);
        claimTo(sybil(100), 1);
        mayNotLeaveBefore(freeAt);
        // Who is owed claims on that day, and on each one that follows a full one.
        vm.warp(freeAt - 1);
        SignedVoucher memory last = signed(sybil(101), DAILY_CAP);
        claimAs(carrier, last);
        vm.assertEq(potGross(sybil(101)), DAILY_CAP);
        vm.warp(freeAt);
        vm.prank(payer);
        escrow.withdraw();
        vm.assertEq(escrow.account(payer).epoch, 1);
    }

    function test_withdraw_ofOneWhoseDayWasNeverFullWaitsForTheGraceAlone() public {
        claimTo(stranger, DAILY_CAP);
        vm.prank(payer);
        escrow.requestWithdrawal();
        vm.warp(escrow.account(payer).withdrawAt);
        claimTo(stranger, 2 * DAILY_CAP);
        vm.prank(payer);
        escrow.withdraw();
        vm.assertEq(escrow.account(payer).balance, 0);
    }

    /// @dev Money that moves has an owner: splitting it over accounts moves no more of it than there is.
    function test_splitting_aDepositOverAccountsIsNotBound() public {
        uint256 paid;
        for (uint256 i; i < 4; ++i) {
            uint256 key_ = 0x5917 + i;
            address owner = vm.addr(key_);
            fund(owner, 300 * UNIT);
            vm.prank(owner);
            escrow.deposit(300 * UNIT);
            for (uint256 j; j < 5; ++j) {
                tryClaim(sign(key_, Voucher(owner, sybil(10 * i + j), MODEL, relay, 0, DAILY_CAP)));
                paid += potGross(sybil(10 * i + j));
            }
        }
        vm.assertEq(paid, 4 * PAYER_CAP);
    }

    function sybil(uint256 index) private pure returns (address) {
        return vm.addr(0x5B1100000 + index);
    }

    function fillDay(uint256 day) private {
        for (uint256 i; i < 4; ++i) {
            claimTo(sybil(10 * day + i), DAILY_CAP);
        }
        vm.assertEq(escrow.payerDailyLeft(payer), 0);
    }

    function mayNotLeaveBefore(uint40 freeAt) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, freeAt));
        vm.prank(payer);
        escrow.withdraw();
    }

    function tryClaim(SignedVoucher memory voucher) private {
        SignedVoucher[] memory batch = new SignedVoucher[](1);
        batch[0] = voucher;
        try escrow.claim(batch) { } catch { }
    }
}
