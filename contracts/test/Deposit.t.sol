// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";
import { IEscrowEvents } from "../src/interfaces/IEscrowEvents.sol";

contract DepositTest is EscrowFixture {
    function test_deposit_isRefusedWhilePaused() public {
        vm.prank(guardian);
        escrow.pause();
        vm.expectRevert(IEscrowErrors.DepositsPaused.selector);
        vm.prank(payer);
        escrow.deposit(UNIT);

        vm.prank(guardian);
        escrow.unpause();
        vm.prank(payer);
        escrow.deposit(UNIT);
        vm.assertFalse(escrow.isPaused());
    }

    function test_deposit_ofNothingIsRefused() public {
        vm.expectRevert(IEscrowErrors.ZeroAmount.selector);
        vm.prank(payer);
        escrow.deposit(0);
    }

    function test_deposit_isRefusedInDefault() public {
        drain();
        claimTo(stranger, UNIT);
        uint40 closesAt = uint40(START) + WINDOW;
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.InDefault.selector, payer, closesAt));
        vm.prank(payer);
        escrow.deposit(UNIT);
        vm.warp(closesAt);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.InDefault.selector, payer, closesAt));
        vm.prank(payer);
        escrow.deposit(UNIT);

        escrow.settleDefault(payer);
        vm.prank(payer);
        escrow.deposit(UNIT);
        vm.assertEq(escrow.account(payer).epoch, 1);
    }

    function test_deposit_withoutAllowanceIsRefused() public {
        vm.expectRevert();
        vm.prank(stranger);
        escrow.deposit(UNIT);
    }

    function testFuzz_deposit_splitsIntoBalanceAndBond(uint96 amount) public {
        amount = uint96(bound(amount, 1, 9 * DEPOSIT));
        Account memory before = escrow.account(payer);
        uint96 bond = uint96(bondOf(amount));
        vm.expectEmit();
        emit IEscrowEvents.Deposited(payer, 0, amount, bond);
        vm.prank(payer);
        escrow.deposit(amount);
        Account memory got = escrow.account(payer);
        vm.assertEq(got.balance - before.balance, amount - bond, "balance");
        vm.assertEq(got.bond - before.bond, bond, "bond");
        vm.assertGt(bond, 0, "a bond even of dust");
        vm.assertEq(token.balanceOf(address(escrow)), uint256(DEPOSIT) + amount, "held");
    }

    function test_deposit_cancelsAWithdrawal() public {
        vm.startPrank(payer);
        escrow.requestWithdrawal();
        vm.expectEmit();
        emit IEscrowEvents.WithdrawalCancelled(payer);
        escrow.deposit(UNIT);
        vm.assertEq(escrow.account(payer).withdrawAt, 0);
        vm.warp(START + GRACE);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NoWithdrawal.selector, payer));
        escrow.withdraw();
    }

    function test_deposit_ofAnotherTouchesNobodyElse() public {
        fund(stranger, UNIT);
        vm.prank(payer);
        escrow.requestWithdrawal();
        vm.prank(stranger);
        escrow.deposit(UNIT);
        vm.assertEq(escrow.account(payer).withdrawAt, START + GRACE);
        vm.assertEq(escrow.account(payer).balance, DEPOSIT - bondOf(DEPOSIT));
    }

    function test_depositWithPermit_needsNoApproval() public {
        vm.prank(payer);
        token.approve(address(escrow), 0);
        Permit memory permit = permitFor(UNIT);
        vm.prank(payer);
        escrow.depositWithPermit(UNIT, permit);
        vm.assertEq(token.balanceOf(address(escrow)), DEPOSIT + UNIT);
    }

    function test_depositWithPermit_worksThoughSomebodySentThePermitFirst() public {
        vm.prank(payer);
        token.approve(address(escrow), 0);
        Permit memory permit = permitFor(UNIT);
        token.permit(payer, address(escrow), UNIT, permit.deadline, permit.v, permit.r, permit.s);
        vm.prank(payer);
        escrow.depositWithPermit(UNIT, permit);
        vm.assertEq(token.balanceOf(address(escrow)), DEPOSIT + UNIT);
    }

    function test_depositWithPermit_ofAnotherAmountIsRefused() public {
        vm.prank(payer);
        token.approve(address(escrow), 0);
        Permit memory permit = permitFor(UNIT);
        vm.expectRevert();
        vm.prank(payer);
        escrow.depositWithPermit(2 * UNIT, permit);
    }

    function test_depositWithSession_doesBoth() public {
        uint40 expiry = uint40(START + 1 days);
        vm.prank(payer);
        escrow.depositWithSession(UNIT, key, UNIT / 2, expiry);
        vm.assertEq(escrow.session(payer, key).cap, UNIT / 2);
        vm.assertEq(escrow.session(payer, key).expiry, expiry);
        vm.assertEq(token.balanceOf(address(escrow)), DEPOSIT + UNIT);
    }

    function test_depositWithSessionAndPermit_doesAllThree() public {
        vm.prank(payer);
        token.approve(address(escrow), 0);
        Permit memory permit = permitFor(UNIT);
        vm.prank(payer);
        escrow.depositWithSessionAndPermit(UNIT, key, UNIT, uint40(START + 1 days), permit);
        vm.assertEq(escrow.session(payer, key).cap, UNIT);
        vm.assertEq(token.balanceOf(address(escrow)), DEPOSIT + UNIT);
    }

    function permitFor(uint256 amount) internal view returns (Permit memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                payer,
                address(escrow),
                amount,
                token.nonces(payer),
                START + 1 hours
            )
        );
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, digest);
        return Permit({ deadline: START + 1 hours, v: v, r: r, s: s });
    }
}
