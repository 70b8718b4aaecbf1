// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "../EscrowFixture.sol";
import { Models } from "../../src/Models.sol";
import { IModels } from "../../src/interfaces/IModels.sol";

/// @dev Somebody who sees a claim or a sweep of a model that nobody published, and publishes it.
contract SquattedRoyaltyTest is EscrowFixture {
    bytes32 private constant WILD = keccak256("a model that nobody published");
    address private squatter = named("squatter");

    /// @dev The attack that was run: before, there was no notice. Without one it works within the second of the claim.
    function test_squatter_thatSeesASweepHadAFifthWhereThereIsNoNotice() public {
        models = new Models(0, timelock, new IModels.Founding[](0));
        escrow = deployEscrow(config());
        fund(payer, 0);
        vm.prank(payer);
        escrow.deposit(DEPOSIT);
        earn(900 * UNIT);
        squat();
        escrow.sweep(provider, WILD, relay);
        vm.assertEq(escrow.creditOf(squatter), 180 * UNIT);
        vm.assertEq(token.balanceOf(provider), 630 * UNIT);
    }

    /// @dev And with the notice.
    function test_squatter_thatSeesASweepHasNothing() public {
        earn(900 * UNIT);
        squat();
        escrow.sweep(provider, WILD, relay);
        vm.assertEq(escrow.creditOf(squatter), 0);
        vm.assertEq(token.balanceOf(provider), 810 * UNIT);
    }

    function test_squatter_thatSeesAClaimHasNothing() public {
        squat();
        vm.warp(START + NOTICE - 1);
        earn(900 * UNIT);
        vm.warp(START + 100 days);
        escrow.sweep(provider, WILD, relay);
        vm.assertEq(escrow.creditOf(squatter), 0);
    }

    /// @dev From the notice on, what is claimed bears the royalty: who serves it then knows whose it is.
    function test_publisher_hasItsShareOfWhatIsClaimedFromTheNoticeOn() public {
        squat();
        vm.warp(START + NOTICE);
        earn(900 * UNIT);
        escrow.sweep(provider, WILD, relay);
        vm.assertEq(escrow.creditOf(squatter), 180 * UNIT);
    }

    /// @dev A pot that began before bears none, until anybody has swept it.
    function test_publisher_sweepsAnOlderPotSoThatTheNextOneBearsIts() public {
        earn(100 * UNIT);
        squat();
        vm.warp(START + NOTICE);
        earn(300 * UNIT);
        vm.assertEq(escrow.potOf(provider, WILD, relay).since, START);
        vm.prank(squatter);
        escrow.sweep(provider, WILD, relay);
        vm.assertEq(escrow.creditOf(squatter), 0);
        earn(400 * UNIT);
        vm.assertEq(escrow.potOf(provider, WILD, relay).since, START + NOTICE);
        escrow.sweep(provider, WILD, relay);
        vm.assertEq(escrow.creditOf(squatter), 20 * UNIT);
    }

    /// @dev A claim that moves nothing begins no pot: no stranger can set its time by an empty account.
    function test_pot_beginsWithItsFirstMoney() public {
        uint96 balance = escrow.account(payer).balance;
        claimTo(provider, balance);
        claimAs(carrier, wild(10 * UNIT));
        vm.assertEq(escrow.potOf(provider, WILD, relay).since, 0);
        vm.assertEq(escrow.owedOf(payer, 0, provider, WILD, relay), 10 * UNIT);
        vm.warp(START + WINDOW);
        escrow.settleDefault(payer);
        escrow.collectDefault(payer, 0, provider, WILD, relay);
        vm.assertEq(escrow.potOf(provider, WILD, relay).since, START + WINDOW);
        vm.assertEq(escrow.potOf(provider, WILD, relay).gross, 10 * UNIT);
    }

    function squat() private {
        vm.prank(squatter);
        models.publish(WILD, "x", 0, 2_000, squatter);
    }

    function wild(uint96 cumulative) private view returns (SignedVoucher memory) {
        Voucher memory voucher = voucherTo(provider, cumulative);
        voucher.model = WILD;
        return sign(PAYER_KEY, voucher);
    }

    function earn(uint96 cumulative) private {
        claimAs(provider, wild(cumulative));
    }
}
