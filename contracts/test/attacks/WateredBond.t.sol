// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "../EscrowFixture.sol";

/// @dev A payer that signed more than it had, and its free addresses that want their part of its bond of 50.
contract WateredBondTest is EscrowFixture {
    uint96 private constant BOND = 50 * UNIT;
    uint256 private constant SYBILS = 200;
    address private honest = named("honest");

    /// @dev The attack that was run: before, stake made no difference, as it does not between payees without it.
    function test_sybils_tookNearlyAllWhereStakeMadeNoDifference() public {
        drain();
        claimTo(honest, BOND);
        SignedVoucher[] memory batch = new SignedVoucher[](SYBILS);
        for (uint256 i; i < SYBILS; ++i) {
            Voucher memory own = voucherTo(sybil(i), BOND);
            own.relay = address(0);
            batch[i] = sign(PAYER_KEY, own);
        }
        escrow.claim(batch);
        vm.warp(block.timestamp + WINDOW);
        escrow.settleDefault(payer);
        vm.assertEq(escrow.account(payer).bond, 0, "what it cost");
        uint256 back;
        for (uint256 i; i < SYBILS; ++i) {
            escrow.collectDefault(payer, 0, sybil(i), MODEL, address(0));
            escrow.sweep(sybil(i), MODEL, address(0));
            back += token.balanceOf(sybil(i));
        }
        escrow.collectDefault(payer, 0, honest, MODEL, relay);
        vm.assertEq(hundredths(BOND - potGross(honest)), 4_975, "of 50 were lost");
        vm.assertEq(hundredths(back), 4_229, "after publisher, burn and treasury");
    }

    /// @dev And with the rules of now.
    function test_sybils_withoutStakeGetNothingOfWhatIsOwedToStake() public {
        stakeFor(honest);
        drain();
        claimTo(honest, BOND);
        flood();
        vm.warp(block.timestamp + WINDOW);
        escrow.settleDefault(payer);
        vm.assertEq(escrow.account(payer).bond, 0, "what it cost");
        vm.assertEq(collectSybils(0, SYBILS), 0);
        escrow.collectDefault(payer, 0, honest, MODEL, relay);
        vm.assertEq(potGross(honest), BOND);
    }

    function test_sybils_getNoMoreByCollectingFirstOrLast() public {
        stakeFor(honest);
        drain();
        flood();
        claimTo(honest, 40 * UNIT);
        vm.warp(block.timestamp + WINDOW);
        escrow.settleDefault(payer);
        uint256 first = collectSybils(0, SYBILS / 2);
        escrow.collectDefault(payer, 0, honest, MODEL, relay);
        vm.assertEq(potGross(honest), 40 * UNIT);
        uint256 rest = collectSybils(SYBILS / 2, SYBILS);
        vm.assertEq(first, 5 * UNIT);
        vm.assertEq(rest, 5 * UNIT);
    }

    /// @dev What a payee without stake has is what staked ones leave, and it shares that with every free address.
    function test_withoutStake_sharesWhatStakeLeavesProRata() public {
        drain();
        claimTo(stranger, 30 * UNIT);
        claimTo(named("another"), 10 * UNIT);
        claimTo(provider, escrow.claimedOf(payer, 0, provider, MODEL) + 30 * UNIT);
        vm.warp(block.timestamp + WINDOW);
        escrow.settleDefault(payer);
        vm.assertEq(escrow.defaultOf(payer, 0).payout, BOND);
        vm.assertEq(escrow.defaultOf(payer, 0).stakedPayout, 30 * UNIT);
        escrow.collectDefault(payer, 0, stranger, MODEL, relay);
        vm.assertEq(potGross(stranger), 15 * UNIT);
        escrow.collectDefault(payer, 0, named("another"), MODEL, relay);
        vm.assertEq(potGross(named("another")), 5 * UNIT);
        escrow.collectDefault(payer, 0, provider, MODEL, relay);
        vm.assertEq(escrow.defaultOf(payer, 0).payout, 0);
        vm.assertEq(escrow.defaultOf(payer, 0).stakedOwed, 0);
    }

    /// @dev Stake that comes during the window counts for what is noted after it, and for that alone.
    function test_stake_countsForWhatIsNotedWhileItIsThere() public {
        drain();
        claimTo(stranger, 20 * UNIT);
        stakeFor(stranger);
        claimTo(stranger, 35 * UNIT);
        vm.assertEq(owed(stranger), 35 * UNIT);
        vm.assertEq(escrow.defaultOf(payer, 0).stakedOwed, 15 * UNIT);
        flood();
        vm.warp(block.timestamp + WINDOW);
        escrow.settleDefault(payer);
        escrow.collectDefault(payer, 0, stranger, MODEL, relay);
        // 15 first, and of the 35 that are left its part of the 20 + 200 * 50 that are owed without stake.
        vm.assertEq(potGross(stranger), 15 * UNIT + uint256(35 * UNIT) * 20 / (20 + SYBILS * 50));
    }

    /// @dev To the unit, whatever both kinds are owed, and in whatever order they collect.
    function testFuzz_bothKinds_shareThePayoutToTheLastUnit(uint96[4] calldata amounts, uint256 order)
        public
    {
        address[4] memory payees = [honest, named("a"), named("b"), provider];
        stakeFor(honest);
        uint96 paid = drain();
        uint256 staked;
        uint256 all;
        for (uint256 i; i < 4; ++i) {
            uint96 amount = uint96(bound(amounts[i], 1, BOND));
            claimTo(payees[i], (payees[i] == provider ? paid : 0) + amount);
            all += amount;
            if (i == 0 || i == 3) staked += amount;
        }
        vm.warp(block.timestamp + WINDOW);
        escrow.settleDefault(payer);
        uint256 got;
        uint256 gotByStake;
        for (uint256 i; i < 4; ++i) {
            address payee = payees[(i + order % 4) % 4];
            uint256 before = potGross(payee);
            escrow.collectDefault(payer, 0, payee, MODEL, relay);
            got += potGross(payee) - before;
            if (payee == honest || payee == provider) gotByStake += potGross(payee) - before;
        }
        vm.assertEq(got, all < BOND ? all : BOND, "all of the payout");
        vm.assertEq(gotByStake, staked < BOND ? staked : BOND, "stake first");
        vm.assertEq(escrow.defaultOf(payer, 0).owed, 0);
        vm.assertEq(escrow.defaultOf(payer, 0).payout, 0);
    }

    function sybil(uint256 index) private pure returns (address) {
        return vm.addr(0x5B1100000 + index);
    }

    /// @dev Of an INF, to the nearest.
    function hundredths(uint256 amount) private pure returns (uint256) {
        return (amount + UNIT / 200) / (UNIT / 100);
    }

    function flood() private {
        SignedVoucher[] memory batch = new SignedVoucher[](SYBILS);
        for (uint256 i; i < SYBILS; ++i) {
            batch[i] = signed(sybil(i), BOND);
        }
        escrow.claim(batch);
    }

    function collectSybils(uint256 from, uint256 to) private returns (uint256 sum) {
        for (uint256 i = from; i < to; ++i) {
            escrow.collectDefault(payer, 0, sybil(i), MODEL, relay);
            sum += potGross(sybil(i));
        }
    }
}
