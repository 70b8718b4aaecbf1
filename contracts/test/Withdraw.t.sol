// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";
import { IEscrowEvents } from "../src/interfaces/IEscrowEvents.sol";

contract WithdrawTest is EscrowFixture {
    function test_requestWithdrawal_ofNothingIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingToWithdraw.selector, stranger));
        vm.prank(stranger);
        escrow.requestWithdrawal();
    }

    function test_requestWithdrawal_ofABondAloneIsFine() public {
        drain();
        vm.prank(payer);
        escrow.requestWithdrawal();
        vm.warp(START + GRACE);
        vm.prank(payer);
        escrow.withdraw();
        vm.assertEq(token.balanceOf(payer), 9 * DEPOSIT + bondOf(DEPOSIT));
    }

    function test_requestWithdrawal_twiceDoesNotRestartTheClock() public {
        vm.startPrank(payer);
        vm.expectEmit();
        emit IEscrowEvents.WithdrawalRequested(payer, uint32(START) + GRACE);
        escrow.requestWithdrawal();
        vm.warp(START + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IEscrowErrors.WithdrawalPending.selector, uint32(START) + GRACE)
        );
        escrow.requestWithdrawal();
    }

    function test_cancelWithdrawal_needsOne() public {
        vm.startPrank(payer);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoWithdrawal.selector, payer));
        escrow.cancelWithdrawal();
        escrow.requestWithdrawal();
        vm.expectEmit();
        emit IEscrowEvents.WithdrawalCancelled(payer);
        escrow.cancelWithdrawal();
        vm.assertEq(escrow.account(payer).withdrawAt, 0);
    }

    function test_withdraw_needsARequestAndTheGrace() public {
        vm.startPrank(payer);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoWithdrawal.selector, payer));
        escrow.withdraw();
        escrow.requestWithdrawal();
        vm.warp(START + GRACE - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.TooEarly.selector, uint40(START) + GRACE));
        escrow.withdraw();
        vm.warp(START + GRACE);
        escrow.withdraw();
    }

    function test_withdraw_paysBalanceAndBondAndBeginsAnEpoch() public {
        vm.startPrank(payer);
        escrow.requestWithdrawal();
        vm.warp(START + GRACE);
        vm.expectEmit();
        emit IEscrowEvents.Withdrawn(payer, 0, DEPOSIT);
        escrow.withdraw();
        vm.assertEq(token.balanceOf(payer), 10 * DEPOSIT);
        vm.assertEq(token.balanceOf(address(escrow)), 0);
        Account memory account = escrow.account(payer);
        vm.assertEq(account.balance, 0);
        vm.assertEq(account.bond, 0);
        vm.assertEq(account.epoch, 1);
        vm.assertEq(account.withdrawAt, 0);
    }

    function test_withdraw_worksWhilePaused() public {
        vm.prank(payer);
        escrow.requestWithdrawal();
        vm.prank(guardian);
        escrow.pause();
        vm.warp(START + GRACE);
        vm.prank(payer);
        escrow.withdraw();
        vm.assertEq(token.balanceOf(payer), 10 * DEPOSIT);
    }

    function test_withdraw_endsTheVouchersOfItsEpoch() public {
        SignedVoucher memory old = signed(provider, 10 * UNIT);
        vm.startPrank(payer);
        escrow.requestWithdrawal();
        vm.warp(START + GRACE);
        escrow.withdraw();
        escrow.deposit(DEPOSIT);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.WrongEpoch.selector, 0, uint32(0), uint32(1)));
        claimAs(provider, old);
        // And what was claimed before does not hinder the new epoch.
        claimTo(provider, UNIT);
        vm.assertEq(potGross(provider), UNIT);
    }

    function test_withdraw_isRacedByAClaimUntilTheLastSecond() public {
        SignedVoucher memory voucher = signed(provider, 10 * UNIT);
        vm.prank(payer);
        escrow.requestWithdrawal();
        vm.warp(START + GRACE + 30 days);
        claimAs(provider, voucher);
        vm.prank(payer);
        escrow.withdraw();
        vm.assertEq(token.balanceOf(payer), 10 * DEPOSIT - 10 * UNIT);
        vm.assertEq(potGross(provider), 10 * UNIT);
    }

    function test_withdraw_isRefusedInDefaultAndForgottenAfterIt() public {
        vm.prank(payer);
        escrow.requestWithdrawal();
        drain();
        claimTo(stranger, UNIT);
        vm.warp(START + GRACE);
        vm.expectRevert(
            abi.encodeWithSelector(IEscrowErrors.InDefault.selector, payer, uint40(START) + WINDOW)
        );
        vm.prank(payer);
        escrow.withdraw();
        vm.warp(START + WINDOW);
        escrow.settleDefault(payer);
        vm.assertEq(escrow.account(payer).withdrawAt, 0);
    }
}
