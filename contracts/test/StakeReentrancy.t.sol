// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { StakeFixture } from "./StakeFixture.sol";
import { ReentrantToken } from "./mocks/Tokens.sol";
import { Stake } from "../src/Stake.sol";
import { IStake } from "../src/interfaces/IStake.sol";

/// @notice INF calls nobody. Should stake ever be made over an asset that does, its doors are shut all the same.
contract StakeReentrancyTest is StakeFixture {
    ReentrantToken private coin;

    function setUp() public override {
        super.setUp();
        coin = new ReentrantToken();
        IStake.StakeConfig memory init = config();
        init.token = address(coin);
        stake = new Stake(init);
        coin.transfer(operator, 10 * MINIMUM);
        vm.prank(operator);
        coin.approve(address(stake), type(uint256).max);
        // So that the court's door is refused for no other reason.
        vm.prank(timelock);
        stake.setCourt(address(coin));
    }

    function test_reentrant_findsEveryDoorShut() public {
        bytes[6] memory doors = [
            abi.encodeCall(IStake.register, (bindingOf(PEER), MINIMUM)),
            abi.encodeCall(IStake.registerWithPermit, (bindingOf(PEER), MINIMUM, 0, 0, 0, 0)),
            abi.encodeCall(IStake.add, (1)),
            abi.encodeCall(IStake.withdraw, ()),
            abi.encodeCall(IStake.slash, (operator, 1, challenger)),
            abi.encodeCall(IStake.collect, (challenger))
        ];
        register(MINIMUM);
        for (uint256 i; i < doors.length; ++i) {
            vm.prank(operator);
            coin.arm(address(stake), doors[i]);
            vm.prank(operator);
            stake.add(UNIT);
            assertShut();
        }
    }

    function test_reentrant_findsTheDoorShutFromEveryMovement() public {
        bytes memory door = abi.encodeCall(IStake.collect, (challenger));
        coin.arm(address(stake), door);
        register(MINIMUM);
        assertShut();
        unbond(UNIT);
        vm.warp(START + DELAY);
        coin.arm(address(stake), door);
        vm.prank(operator);
        stake.withdraw();
        assertShut();
        coin.arm(address(stake), door);
        vm.prank(address(coin));
        stake.slash(operator, UNIT, challenger);
        assertShut();
        coin.arm(address(stake), door);
        stake.collect(challenger);
        assertShut();
    }

    function test_reentrant_findsTheDoorShutFromARegistrationWithPermit() public {
        coin.arm(address(stake), abi.encodeCall(IStake.collect, (challenger)));
        // The coin knows no permit: the allowance counts.
        vm.prank(operator);
        stake.registerWithPermit(bindingOf(PEER), MINIMUM, 0, 0, 0, 0);
        assertShut();
    }

    function assertShut() private view {
        vm.assertEq(coin.target(), address(0));
        vm.assertFalse(coin.succeeded(), "the door was open");
        vm.assertEq(
            keccak256(coin.answer()),
            keccak256(abi.encodeWithSignature("ReentrancyGuardReentrantCall()")),
            "why it was shut"
        );
    }
}
