// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { StakeFixture } from "./StakeFixture.sol";
import { IStake } from "../src/interfaces/IStake.sol";

contract StakeUnbondTest is StakeFixture {
    function test_add_isForWhomWorks() public {
        vm.startPrank(operator);
        vm.expectRevert(wrongState(IStake.State.None));
        stake.add(1);
        stake.register(bindingOf(PEER), MINIMUM);
        vm.expectRevert(IStake.ZeroAmount.selector);
        stake.add(0);
        vm.expectEmit();
        emit IStake.StakeChanged(operator, MINIMUM + 1, 0, 0);
        stake.add(1);
        assertAmounts(MINIMUM + 1, 0, 0);
        vm.assertEq(token.balanceOf(address(stake)), MINIMUM + 1);
        stake.retire();
        vm.expectRevert(wrongState(IStake.State.Retired));
        stake.add(1);
    }

    function test_unbond_refusesNothingAndTooMuch() public {
        register(MINIMUM);
        vm.expectRevert(IStake.ZeroAmount.selector);
        unbond(0);
        vm.expectRevert(abi.encodeWithSelector(IStake.InsufficientStake.selector, MINIMUM + 1, MINIMUM));
        unbond(MINIMUM + 1);
    }

    function test_unbond_stopsWorkingButStaysInReach() public {
        register(MINIMUM);
        unbond(1);
        assertAmounts(MINIMUM - 1, 1, uint40(START) + DELAY);
        vm.assertFalse(stake.isActive(operator));
        vm.assertFalse(stake.hasStake(operator));
        vm.assertEq(token.balanceOf(address(stake)), MINIMUM);
    }

    function test_unbond_againMergesAndRestartsTheClock() public {
        register(2 * MINIMUM);
        unbond(UNIT);
        vm.warp(START + 1 days);
        unbond(UNIT);
        assertAmounts(2 * MINIMUM - 2 * UNIT, 2 * UNIT, uint40(START + 1 days) + DELAY);
    }

    function test_cancelUnbond_putsAllBackToWork() public {
        vm.startPrank(operator);
        vm.expectRevert(wrongState(IStake.State.None));
        stake.cancelUnbond();
        stake.register(bindingOf(PEER), MINIMUM);
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingUnbonding.selector, operator));
        stake.cancelUnbond();
        stake.unbond(UNIT);
        stake.cancelUnbond();
        assertAmounts(MINIMUM, 0, 0);
        vm.assertTrue(stake.isActive(operator));
        stake.retire();
        vm.expectRevert(wrongState(IStake.State.Retired));
        stake.cancelUnbond();
    }

    function test_withdraw_needsTheDelay() public {
        vm.startPrank(operator);
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingUnbonding.selector, operator));
        stake.withdraw();
        stake.register(bindingOf(PEER), MINIMUM);
        stake.unbond(UNIT);
        vm.warp(START + DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IStake.TooEarly.selector, uint40(START) + DELAY));
        stake.withdraw();
        vm.warp(START + DELAY);
        vm.expectEmit();
        emit IStake.Withdrawn(operator, UNIT);
        stake.withdraw();
        assertAmounts(MINIMUM - UNIT, 0, 0);
        vm.assertEq(token.balanceOf(operator), 9 * MINIMUM + UNIT);
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingUnbonding.selector, operator));
        stake.withdraw();
    }

    function test_withdraw_isForThreeDaysThenItIsStakeAgain() public {
        register(2 * MINIMUM);
        unbond(MINIMUM);
        vm.warp(START + DELAY + SPAN - 1);
        assertAmounts(MINIMUM, MINIMUM, uint40(START) + DELAY);
        vm.warp(START + DELAY + SPAN);
        assertAmounts(2 * MINIMUM, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingUnbonding.selector, operator));
        vm.prank(operator);
        stake.withdraw();
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingUnbonding.selector, operator));
        vm.prank(operator);
        stake.cancelUnbond();
        unbond(UNIT);
        assertAmounts(2 * MINIMUM - UNIT, UNIT, uint40(START) + DELAY + SPAN + DELAY);
    }

    /// @dev Whoever retired and did not come for its stake asks for it again.
    function test_withdraw_ofTheRetiredCanBeAskedForAgain() public {
        register(MINIMUM);
        vm.startPrank(operator);
        stake.retire();
        vm.warp(START + DELAY + SPAN);
        assertAmounts(MINIMUM, 0, 0);
        vm.assertFalse(stake.isActive(operator));
        stake.unbond(MINIMUM);
        vm.warp(START + DELAY + SPAN + DELAY);
        stake.withdraw();
        vm.assertEq(token.balanceOf(operator), 10 * MINIMUM);
    }

    function test_withdraw_isNotTheCourtsToStop() public {
        register(MINIMUM);
        court.jail(operator);
        unbond(MINIMUM);
        vm.warp(START + DELAY);
        vm.prank(operator);
        stake.withdraw();
        vm.assertEq(token.balanceOf(operator), 10 * MINIMUM);
    }

    function test_retire_unbondsAllForGood() public {
        vm.startPrank(operator);
        vm.expectRevert(wrongState(IStake.State.None));
        stake.retire();
        stake.register(bindingOf(PEER), 2 * MINIMUM);
        stake.unbond(UNIT);
        vm.warp(START + 1 days);
        vm.expectEmit();
        emit IStake.StateChanged(operator, IStake.State.Retired);
        stake.retire();
        assertAmounts(0, 2 * MINIMUM, uint40(START + 1 days) + DELAY);
        vm.assertFalse(stake.isActive(operator));
        vm.assertEq(stake.peerKeyOf(operator), PEER);
        vm.assertEq(stake.bindingsOf(operator).length, 1);
        vm.expectRevert(wrongState(IStake.State.Retired));
        stake.retire();
        vm.warp(START + 1 days + DELAY);
        stake.withdraw();
        vm.assertEq(token.balanceOf(operator), 10 * MINIMUM);
    }

    function test_retire_doesNotRestartTheClockOfWhatUnbondsAlready() public {
        vm.startPrank(operator);
        stake.register(bindingOf(PEER), MINIMUM);
        stake.unbond(MINIMUM);
        vm.warp(START + 1 days);
        stake.retire();
        assertAmounts(0, MINIMUM, uint40(START) + DELAY);
    }
}
