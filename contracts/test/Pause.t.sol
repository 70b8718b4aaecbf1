// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";
import { IEscrowEvents } from "../src/interfaces/IEscrowEvents.sol";

contract PauseTest is EscrowFixture {
    function test_pause_isTheGuardiansAlone() public {
        address[3] memory others = [payer, timelock, treasury];
        for (uint256 i; i < others.length; ++i) {
            vm.startPrank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotGuardian.selector, others[i]));
            escrow.pause();
            vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NotGuardian.selector, others[i]));
            escrow.unpause();
            vm.stopPrank();
        }
        vm.expectEmit();
        emit IEscrowEvents.DepositsPauseChanged(true);
        vm.prank(guardian);
        escrow.pause();
        vm.assertTrue(escrow.isPaused());
        vm.expectEmit();
        emit IEscrowEvents.DepositsPauseChanged(false);
        vm.prank(guardian);
        escrow.unpause();
        vm.assertFalse(escrow.isPaused());
    }

    function test_pause_stopsNothingButDeposits() public {
        vm.prank(guardian);
        escrow.pause();

        openSession(10 * UNIT);
        claimAs(provider, sign(SESSION_KEY, voucherTo(provider, UNIT)));
        claimAs(carrier, sign(SESSION_KEY, voucherTo(provider, 2 * UNIT)));
        escrow.sweep(provider, MODEL, relay);
        escrow.collect(relay);
        escrow.collect(carrier);
        drain();
        claimTo(stranger, UNIT);
        vm.warp(START + WINDOW);
        escrow.settleDefault(payer);
        escrow.collectDefault(payer, 0, stranger, MODEL, relay);
        vm.prank(payer);
        escrow.revokeSession(key);
        vm.assertEq(potGross(stranger), UNIT);
    }
}
