// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "../EscrowFixture.sol";
import { IStake } from "../../src/interfaces/IStake.sol";

/// @dev An operator that asks its stake back at once, waits until it may go, and goes when it sees a slash.
contract LateUnbondTest is EscrowFixture {
    address private court = named("court");

    function setUp() public override {
        super.setUp();
        vm.prank(timelock);
        stake.setCourt(court);
    }

    /// @dev The attack that was run: before, it worked whenever a slash was seen. Now it does for three days.
    function test_unbonding_thatIsFetchedInItsThreeDaysIsNotSlashed() public {
        unbond(90 * UNIT);
        vm.warp(START + 7 days + 3 days - 1);
        vm.prank(provider);
        stake.withdraw();
        vm.assertEq(token.balanceOf(provider), 90 * UNIT);
        vm.prank(court);
        vm.assertEq(stake.slash(provider, 100 * UNIT, address(0)), 10 * UNIT);
    }

    /// @dev And after these.
    function test_unbonding_thatMaturedAndWasNotFetchedIsSlashedWhole() public {
        unbond(90 * UNIT);
        vm.warp(START + 7 days + 3 days);
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingUnbonding.selector, provider));
        vm.prank(provider);
        stake.withdraw();
        vm.prank(court);
        vm.assertEq(stake.slash(provider, 100 * UNIT, address(0)), 100 * UNIT);
    }

    /// @dev Asked back again and again, it is free to go for three days in ten, and has no right meanwhile.
    function test_unbonding_againAndAgain_isOutOfReachForThreeDaysInTen() public {
        uint256 free;
        for (uint256 day; day < 40; ++day) {
            vm.warp(START + day * 1 days);
            IStake.Operator memory got = stake.operatorOf(provider);
            if (got.unbonding == 0) unbond(100 * UNIT);
            else if (block.timestamp >= got.unbondAt) ++free;
            vm.assertFalse(stake.hasStake(provider));
        }
        vm.assertEq(free, 12);
    }

    /// @dev Before, a tenth of the stake kept the right that all of it gave: the lowest minimum that a vote may set.
    function test_right_isNotKeptByATenthOfTheMinimum() public {
        unbond(90 * UNIT);
        vm.assertEq(stake.operatorOf(provider).stake, stakeConfig().floor);
        vm.assertFalse(stake.hasStake(provider));
        claimTo(provider, 2 * DAILY_CAP);
        vm.assertEq(potGross(provider), DAILY_CAP);
    }

    function test_right_endsWithTheFirstUnitBelowTheMinimum() public {
        vm.assertEq(escrow.dailyLeft(provider), type(uint96).max);
        unbond(1);
        vm.assertFalse(stake.hasStake(provider));
        vm.assertEq(escrow.dailyLeft(provider), DAILY_CAP);
        vm.warp(START + 10 days);
        vm.assertTrue(stake.hasStake(provider));
        vm.assertEq(escrow.dailyLeft(provider), type(uint96).max);
    }

    function unbond(uint96 amount) private {
        vm.prank(provider);
        stake.unbond(amount);
    }
}
