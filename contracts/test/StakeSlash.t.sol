// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { StakeFixture } from "./StakeFixture.sol";
import { IStake } from "../src/interfaces/IStake.sol";

contract StakeSlashTest is StakeFixture {
    function test_court_isNobodyUntilItIsSet() public {
        vm.prank(timelock);
        stake.setCourt(address(0));
        register(MINIMUM);
        address[4] memory others = [operator, timelock, challenger, address(court)];
        for (uint256 i; i < others.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(IStake.NotCourt.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refusal);
            stake.slash(operator, 1, challenger);
            vm.expectRevert(refusal);
            stake.jail(operator);
            vm.expectRevert(refusal);
            stake.unjail(operator);
            vm.stopPrank();
        }
    }

    function test_slash_refusesNothingAndNobody() public {
        vm.expectRevert(abi.encodeWithSelector(IStake.InsufficientStake.selector, uint96(1), uint96(0)));
        court.slash(operator, 1, challenger);
        register(MINIMUM);
        vm.expectRevert(IStake.ZeroAmount.selector);
        court.slash(operator, 0, challenger);
    }

    function test_slash_refusesThatOneIsItsOwnChallenger() public {
        register(MINIMUM);
        vm.expectRevert(abi.encodeWithSelector(IStake.SelfChallenge.selector, operator));
        court.slash(operator, 1, operator);
    }

    function test_slash_creditsTheChallengerAndBurnsTheRest() public {
        register(MINIMUM);
        uint256 supply = token.totalSupply();
        vm.expectEmit();
        emit IStake.StakeChanged(operator, 60 * UNIT, 0, 0);
        vm.expectEmit();
        emit IStake.Slashed(operator, challenger, 40 * UNIT, 10 * UNIT);
        vm.assertEq(court.slash(operator, 40 * UNIT, challenger), 40 * UNIT);
        assertAmounts(60 * UNIT, 0, 0);
        vm.assertEq(stake.rewardOf(challenger), 10 * UNIT);
        vm.assertEq(token.totalSupply(), supply - 30 * UNIT);
        vm.assertFalse(stake.isActive(operator));

        vm.expectEmit();
        emit IStake.Collected(challenger, 10 * UNIT);
        stake.collect(challenger);
        vm.assertEq(token.balanceOf(challenger), 10 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingToCollect.selector, challenger));
        stake.collect(challenger);
    }

    function test_slash_withoutAChallengerBurnsAll() public {
        register(MINIMUM);
        uint256 supply = token.totalSupply();
        court.slash(operator, 40 * UNIT, address(0));
        vm.assertEq(token.totalSupply(), supply - 40 * UNIT);
        vm.assertEq(stake.rewardOf(address(0)), 0);
    }

    function test_slash_roundsTheRewardDown() public {
        register(MINIMUM);
        court.slash(operator, 7, challenger);
        vm.assertEq(stake.rewardOf(challenger), 1);
    }

    function test_slash_addsUpRewards() public {
        register(MINIMUM);
        court.slash(operator, 8, challenger);
        court.slash(operator, 8, challenger);
        vm.assertEq(stake.rewardOf(challenger), 4);
    }

    function testFuzz_slash_takesInProportionAndNeverMoreThanThereIs(uint96 unbonding, uint96 amount) public {
        register(3 * MINIMUM);
        unbonding = uint96(bound(unbonding, 0, 3 * MINIMUM));
        if (unbonding > 0) unbond(unbonding);
        amount = uint96(bound(amount, 1, type(uint96).max));
        uint256 total = 3 * uint256(MINIMUM);
        uint96 slashed = court.slash(operator, amount, challenger);
        vm.assertEq(slashed, amount < total ? amount : total, "slashed");
        IStake.Operator memory got = stake.operatorOf(operator);
        vm.assertEq(uint256(got.stake) + got.unbonding, total - slashed, "what is left");
        // The odd unit comes from what would leave first.
        uint256 fromUnbonding = (uint256(slashed) * unbonding + total - 1) / total;
        vm.assertEq(unbonding - got.unbonding, fromUnbonding, "from what unbonds");
        vm.assertEq(token.balanceOf(address(stake)), total - slashed + stake.rewardOf(challenger), "held");
    }

    function test_slash_reachesTheRetired() public {
        register(MINIMUM);
        vm.prank(operator);
        stake.retire();
        court.slash(operator, 2 * MINIMUM, challenger);
        assertAmounts(0, 0, uint40(START) + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingUnbonding.selector, operator));
        vm.prank(operator);
        stake.withdraw();
    }

    function test_jail_takesAnActiveOneAndUnjailAJailedOne() public {
        vm.expectRevert(wrongState(IStake.State.None));
        court.jail(operator);
        register(MINIMUM);
        vm.expectRevert(wrongState(IStake.State.Active));
        court.unjail(operator);
        vm.expectEmit();
        emit IStake.StateChanged(operator, IStake.State.Jailed);
        court.jail(operator);
        vm.assertFalse(stake.isActive(operator));
        vm.assertFalse(stake.hasStake(operator));
        vm.expectRevert(wrongState(IStake.State.Jailed));
        court.jail(operator);
        vm.prank(operator);
        stake.add(UNIT);
        vm.expectEmit();
        emit IStake.StateChanged(operator, IStake.State.Active);
        court.unjail(operator);
        vm.assertTrue(stake.isActive(operator));
        vm.assertTrue(stake.hasStake(operator));
        assertAmounts(MINIMUM + UNIT, 0, 0);
    }

    function test_jail_cantBeLeftByRetiring() public {
        register(MINIMUM);
        court.jail(operator);
        vm.expectRevert(wrongState(IStake.State.Jailed));
        vm.prank(operator);
        stake.retire();
        vm.expectRevert(wrongState(IStake.State.Jailed));
        vm.prank(operator);
        stake.setPeerKey(bindingOf("another"));
    }
}
