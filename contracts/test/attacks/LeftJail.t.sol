// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { StakeFixture } from "../StakeFixture.sol";
import { IStake } from "../../src/interfaces/IStake.sol";

/// @dev An operator that leaves a jail, or is faster than it, and goes on under the same peer key. Before, another
/// minimum of 100 INF at stake was all that it took, and `retire` or another key even left no trace.
contract LeftJailTest is StakeFixture {
    bytes32 private constant OTHER = keccak256("another peer key");
    address private fresh = named("fresh account");

    function test_anotherAccount_namesAKeyThatIsStillJailed() public {
        register(MINIMUM);
        court.jail(operator);
        registerFresh(PEER);
        assertJailedWith(PEER, operator);
        // All that the chain itself decides is by account: 100 INF more have the rights of 100 INF.
        vm.assertTrue(stake.isActive(fresh));
        vm.assertTrue(stake.hasStake(fresh));
    }

    function test_anotherKey_doesNotTakeTheOneBeforeOutOfAJail() public {
        register(MINIMUM);
        vm.prank(operator);
        stake.setPeerKey(bindingOf(OTHER));
        court.jail(operator);
        registerFresh(PEER);
        assertJailedWith(PEER, operator);
        assertJailedWith(OTHER, operator);
    }

    function test_retiring_isNoFasterThanAJail() public {
        register(MINIMUM);
        vm.prank(operator);
        stake.retire();
        vm.expectEmit();
        emit IStake.StateChanged(operator, IStake.State.Jailed);
        court.jail(operator);
        assertJailedWith(PEER, operator);
        vm.warp(START + DELAY);
        vm.prank(operator);
        stake.withdraw();
        vm.assertEq(token.balanceOf(operator), 10 * MINIMUM);
        assertJailedWith(PEER, operator);
    }

    function test_takingTheStakeBack_leavesTheJailAsItIs() public {
        register(MINIMUM);
        court.jail(operator);
        unbond(MINIMUM);
        vm.warp(START + DELAY);
        vm.prank(operator);
        stake.withdraw();
        assertJailedWith(PEER, operator);
        vm.expectRevert(wrongState(IStake.State.Jailed));
        register(MINIMUM);
    }

    function test_unjail_letsTheOnlyKeyOut() public {
        register(MINIMUM);
        court.jail(operator);
        assertJailedWith(PEER, operator);
        court.unjail(operator);
        vm.assertEq(stake.jailedWith(PEER).length, 0);
    }

    function test_unjail_letsAllKeysOut() public {
        register(MINIMUM);
        vm.startPrank(operator);
        stake.setPeerKey(bindingOf(OTHER));
        stake.setPeerKey(bindingOf(PEER)); // twice on record, once in jail
        vm.stopPrank();
        court.jail(operator);
        assertJailedWith(PEER, operator);
        court.unjail(operator);
        vm.assertEq(stake.jailedWith(PEER).length, 0);
        vm.assertEq(stake.jailedWith(OTHER).length, 0);
    }

    function test_slash_reachesEveryAccountThatNamedTheKey() public {
        register(MINIMUM);
        registerFresh(PEER);
        vm.prank(fresh);
        stake.retire();
        vm.assertEq(stake.bindingsOf(operator)[0].peerKey, PEER);
        vm.assertEq(stake.bindingsOf(fresh)[0].peerKey, PEER);
        vm.assertEq(court.slash(operator, MINIMUM, address(0)), MINIMUM);
        vm.assertEq(court.slash(fresh, MINIMUM, address(0)), MINIMUM);
    }

    /// @dev Nobody has to be first, and what a stranger registers without a signature stands apart from the owner's.
    function test_stranger_neitherTakesAKeyNorPutsItInAJail() public {
        IStake.Binding memory forged = IStake.Binding({ peerKey: PEER, r: 0, s: 0 });
        registerAs(fresh, forged);
        register(MINIMUM);
        vm.assertEq(stake.peerKeyOf(operator), PEER);
        vm.assertEq(stake.jailedWith(PEER).length, 0);
        court.jail(fresh);
        assertJailedWith(PEER, fresh);
        vm.assertEq(stake.bindingsOf(fresh)[0].r, 0);
        vm.assertTrue(stake.isActive(operator));
    }

    function registerFresh(bytes32 peerKey) private {
        registerAs(fresh, bindingOf(peerKey));
    }

    function registerAs(address account, IStake.Binding memory binding) private {
        token.transfer(account, MINIMUM);
        vm.startPrank(account);
        token.approve(address(stake), MINIMUM);
        stake.register(binding, MINIMUM);
        vm.stopPrank();
    }

    function assertJailedWith(bytes32 peerKey, address account) private view {
        address[] memory jailed = stake.jailedWith(peerKey);
        vm.assertEq(jailed.length, 1);
        vm.assertEq(jailed[0], account);
    }
}
