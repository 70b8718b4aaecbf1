// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";
import { IEscrowEvents } from "../src/interfaces/IEscrowEvents.sol";

contract SessionTest is EscrowFixture {
    function test_authorizeSession_refusesZeroAndThePayerAsKey() public {
        vm.startPrank(payer);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.InvalidKey.selector, address(0)));
        escrow.authorizeSession(address(0), UNIT, uint40(START + 1));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.InvalidKey.selector, payer));
        escrow.authorizeSession(payer, UNIT, uint40(START + 1));
    }

    function test_authorizeSession_refusesACapOfNothing() public {
        vm.expectRevert(IEscrowErrors.ZeroAmount.selector);
        vm.prank(payer);
        escrow.authorizeSession(key, 0, uint40(START + 1));
    }

    function test_authorizeSession_refusesAnExpiryThatIsOverOrTooFar() public {
        uint40 latest = uint40(START + 366 days);
        vm.startPrank(payer);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.InvalidExpiry.selector, uint40(START), latest));
        escrow.authorizeSession(key, UNIT, uint40(START));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.InvalidExpiry.selector, latest + 1, latest));
        escrow.authorizeSession(key, UNIT, latest + 1);
        escrow.authorizeSession(key, UNIT, uint40(START + 1));
        escrow.authorizeSession(key, UNIT, latest);
    }

    function test_authorizeSession_canExtendButNotShrink() public {
        vm.startPrank(payer);
        uint40 expiry = uint40(START + 1 days);
        vm.expectEmit();
        emit IEscrowEvents.SessionAuthorized(payer, key, UNIT, expiry);
        escrow.authorizeSession(key, UNIT, expiry);
        vm.expectRevert(
            abi.encodeWithSelector(IEscrowErrors.SessionShrinks.selector, UNIT - 1, UNIT, expiry, expiry)
        );
        escrow.authorizeSession(key, UNIT - 1, expiry);
        vm.expectRevert(
            abi.encodeWithSelector(IEscrowErrors.SessionShrinks.selector, UNIT, UNIT, expiry - 1, expiry)
        );
        escrow.authorizeSession(key, UNIT, expiry - 1);
        escrow.authorizeSession(key, UNIT, expiry);
        escrow.authorizeSession(key, 2 * UNIT, expiry + 1);
        vm.assertEq(escrow.session(payer, key).cap, 2 * UNIT);
        vm.assertEq(escrow.session(payer, key).expiry, expiry + 1);
    }

    function test_authorizeSession_keepsWhatWasSpent() public {
        openSession(10 * UNIT);
        claimAs(provider, sign(SESSION_KEY, voucherTo(provider, 4 * UNIT)));
        openSession(11 * UNIT);
        vm.assertEq(escrow.session(payer, key).spent, 4 * UNIT);
        claimAs(provider, sign(SESSION_KEY, voucherTo(provider, 20 * UNIT)));
        vm.assertEq(potGross(provider), 11 * UNIT);
    }

    function test_session_isOfItsPayerAlone() public {
        openSession(UNIT);
        fund(stranger, UNIT);
        vm.prank(stranger);
        escrow.deposit(UNIT);
        Voucher memory voucher = voucherTo(provider, UNIT / 2);
        voucher.payer = stranger;
        SignedVoucher memory signed_ = sign(SESSION_KEY, voucher);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.SessionExpired.selector, 0, key, uint256(GRACE)));
        claimAs(provider, signed_);
    }

    function test_session_isGoodUntilTheGraceAfterItsExpiryIsOver() public {
        openSession(10 * UNIT);
        uint256 end = START + 7 days + GRACE;
        SignedVoucher memory first = sign(SESSION_KEY, voucherTo(provider, UNIT));
        SignedVoucher memory second = sign(SESSION_KEY, voucherTo(provider, 2 * UNIT));
        vm.warp(end - 1);
        claimAs(provider, first);
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.SessionExpired.selector, 0, key, end));
        claimAs(provider, second);
    }

    function test_session_paysUpToItsCapAndLeavesTheBondAlone() public {
        openSession(UNIT);
        claimAs(provider, sign(SESSION_KEY, voucherTo(provider, 900 * UNIT)));
        vm.assertEq(potGross(provider), UNIT);
        vm.assertEq(escrow.claimedOf(payer, 0, provider, MODEL), UNIT);
        vm.assertEq(escrow.defaultOf(payer, 0).closesAt, 0);
        SignedVoucher memory more = sign(SESSION_KEY, voucherTo(provider, 901 * UNIT));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.NothingPayable.selector, 0, 0));
        claimAs(provider, more);
    }

    function test_session_countsShortfallsAsSpent() public {
        drain();
        openSession(3 * UNIT);
        Voucher memory voucher = voucherTo(stranger, 2 * UNIT);
        claimAs(stranger, sign(SESSION_KEY, voucher));
        vm.assertEq(escrow.session(payer, key).spent, 2 * UNIT);
        vm.assertEq(owed(stranger), 2 * UNIT);
    }

    function test_payer_isBoundByNoSession() public {
        openSession(UNIT);
        claimTo(provider, 5 * UNIT);
        vm.assertEq(escrow.session(payer, key).spent, 0);
        vm.assertEq(potGross(provider), 5 * UNIT);
    }

    function test_revokeSession_actsAfterTheGrace() public {
        openSession(10 * UNIT);
        vm.expectEmit();
        emit IEscrowEvents.SessionRevoked(payer, key, uint40(START));
        vm.prank(payer);
        escrow.revokeSession(key);
        vm.warp(START + GRACE - 1);
        claimAs(provider, sign(SESSION_KEY, voucherTo(provider, UNIT)));
        vm.warp(START + GRACE);
        SignedVoucher memory late = sign(SESSION_KEY, voucherTo(provider, 2 * UNIT));
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.SessionExpired.selector, 0, key, START + GRACE));
        claimAs(provider, late);
    }

    function test_revokeSession_refusesWhatHasEndedOrNeverWas() public {
        vm.startPrank(payer);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.SessionEnded.selector, stranger, uint40(0)));
        escrow.revokeSession(stranger);
        escrow.authorizeSession(key, UNIT, uint40(START + 1));
        vm.warp(START + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.SessionEnded.selector, key, uint40(START + 1)));
        escrow.revokeSession(key);
    }
}
