// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";
import { IEscrowEvents } from "../src/interfaces/IEscrowEvents.sol";
import { GreedyModels } from "./mocks/Doubles.sol";

contract SweepTest is EscrowFixture {
    function test_sweep_ofAnEmptyPotIsRefused() public {
        bytes memory nothing =
            abi.encodeWithSelector(IEscrowErrors.NothingToSweep.selector, provider, MODEL, relay);
        vm.expectRevert(nothing);
        escrow.sweep(provider, MODEL, relay);
        claimTo(provider, UNIT);
        escrow.sweep(provider, MODEL, relay);
        vm.expectRevert(nothing);
        escrow.sweep(provider, MODEL, relay);
    }

    function test_sweep_splitsExactly() public {
        claimAs(carrier, signed(provider, 100 * UNIT));
        uint256 supply = token.totalSupply();
        vm.expectEmit();
        emit IEscrowEvents.Swept(
            provider, MODEL, relay, 100 * UNIT, 79 * UNIT, 10 * UNIT, 5 * UNIT, 2 * UNIT, 3 * UNIT, 1 * UNIT
        );
        escrow.sweep(provider, MODEL, relay);
        vm.assertEq(token.balanceOf(provider), 79 * UNIT);
        vm.assertEq(escrow.creditOf(publisher), 10 * UNIT);
        vm.assertEq(escrow.creditOf(relay), 5 * UNIT);
        vm.assertEq(escrow.creditOf(treasury), 3 * UNIT);
        vm.assertEq(escrow.creditOf(carrier), 1 * UNIT);
        vm.assertEq(token.totalSupply(), supply - 2 * UNIT);
        vm.assertEq(potGross(provider), 0);
        vm.assertEq(escrow.potOf(provider, MODEL, relay).tips, 0);
    }

    function testFuzz_sweep_addsUpToTheLastUnit(uint96 first, uint96 second, bool isCarried) public {
        first = uint96(bound(first, 1, 400 * UNIT));
        second = uint96(bound(second, uint256(first) + 1, 900 * UNIT));
        claimAs(isCarried ? carrier : provider, signed(provider, first));
        claimAs(carrier, signed(provider, second));
        uint256 supply = token.totalSupply();
        escrow.sweep(provider, MODEL, relay);
        uint256 burned = supply - token.totalSupply();
        uint256 others = escrow.creditOf(publisher) + escrow.creditOf(relay) + escrow.creditOf(treasury)
            + escrow.creditOf(carrier);
        vm.assertEq(token.balanceOf(provider) + others + burned, second, "the pot");
        vm.assertEq(escrow.creditOf(publisher), uint256(second) * 1_000 / 10_000, "royalty");
        vm.assertEq(escrow.creditOf(relay), uint256(second) * 500 / 10_000, "relay");
        vm.assertEq(escrow.creditOf(treasury), uint256(second) * 300 / 10_000, "treasury");
        vm.assertEq(burned, uint256(second) * 200 / 10_000, "burn");
        Account memory account = escrow.account(payer);
        vm.assertEq(
            token.balanceOf(address(escrow)), uint256(account.balance) + account.bond + others, "held"
        );
    }

    function test_sweep_withoutRelayOrPublisherLeavesTheirSharesToTheProvider() public {
        Voucher memory voucher = voucherTo(provider, 100 * UNIT);
        voucher.relay = address(0);
        voucher.model = keccak256("nobody's");
        claimAs(provider, sign(PAYER_KEY, voucher));
        escrow.sweep(provider, voucher.model, address(0));
        vm.assertEq(token.balanceOf(provider), 95 * UNIT);
        vm.assertEq(escrow.creditOf(address(0)), 0);
    }

    function test_sweep_takesTheRoyaltyOfTheDayAndItsPayee() public {
        claimTo(provider, 100 * UNIT);
        vm.startPrank(publisher);
        models.lowerRoyalty(MODEL, 100);
        models.setPayee(MODEL, stranger);
        vm.stopPrank();
        escrow.sweep(provider, MODEL, relay);
        vm.assertEq(escrow.creditOf(stranger), UNIT);
        vm.assertEq(escrow.creditOf(publisher), 0);
    }

    function test_sweep_cantBeBrokenByAnyRoyalty() public {
        GreedyModels greedy = new GreedyModels();
        Config memory init = config();
        init.models = address(greedy);
        escrow = deployEscrow(init);
        fund(payer, DEPOSIT);
        vm.prank(payer);
        escrow.deposit(DEPOSIT);
        greedy.ask(publisher, type(uint16).max);
        claimTo(provider, 100 * UNIT);
        escrow.sweep(provider, MODEL, relay);
        vm.assertEq(escrow.creditOf(publisher), 20 * UNIT);
        vm.assertEq(token.balanceOf(provider), 70 * UNIT);

        greedy.ask(address(0), 1_000);
        claimTo(provider, 200 * UNIT);
        escrow.sweep(provider, MODEL, relay);
        vm.assertEq(escrow.creditOf(address(0)), 0);
        vm.assertEq(token.balanceOf(provider), 160 * UNIT);
    }

    function test_sweep_paysTheProviderWhoeverSendsIt() public {
        claimTo(provider, 100 * UNIT);
        vm.prank(stranger);
        escrow.sweep(provider, MODEL, relay);
        vm.assertEq(token.balanceOf(stranger), 0);
        vm.assertEq(token.balanceOf(provider), 80 * UNIT);
    }

    function test_collect_paysTheOwnerOnce() public {
        bytes memory nothing = abi.encodeWithSelector(IEscrowErrors.NothingToCollect.selector, relay);
        vm.expectRevert(nothing);
        escrow.collect(relay);
        claimTo(provider, 100 * UNIT);
        escrow.sweep(provider, MODEL, relay);
        vm.expectEmit();
        emit IEscrowEvents.Collected(relay, 5 * UNIT);
        vm.prank(stranger);
        escrow.collect(relay);
        vm.assertEq(token.balanceOf(relay), 5 * UNIT);
        vm.assertEq(escrow.creditOf(relay), 0);
        vm.expectRevert(nothing);
        escrow.collect(relay);
    }

    function test_sweep_inDustGivesNobodyMoreThanItsShare() public {
        for (uint96 i = 1; i <= 5; ++i) {
            claimTo(provider, i);
            escrow.sweep(provider, MODEL, relay);
        }
        vm.assertEq(token.balanceOf(provider), 5);
        vm.assertEq(escrow.creditOf(relay) + escrow.creditOf(treasury), 0);
    }
}
