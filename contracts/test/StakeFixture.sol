// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { TestBase } from "./Vm.sol";
import { CourtDouble } from "./mocks/Doubles.sol";
import { InfernetToken } from "../src/InfernetToken.sol";
import { Stake } from "../src/Stake.sol";
import { IStake } from "../src/interfaces/IStake.sol";

abstract contract StakeFixture is TestBase {
    uint96 internal constant UNIT = 1e18;
    uint96 internal constant MINIMUM = 100 * UNIT;
    uint256 internal constant START = 1_800_000_000;
    uint40 internal constant DELAY = 7 days;
    uint40 internal constant SPAN = 3 days;
    bytes32 internal constant PEER = keccak256("peer key");
    uint256 internal constant OPERATOR_KEY = 0x0FE7;

    InfernetToken internal token;
    Stake internal stake;
    CourtDouble internal court;
    address internal operator = vm.addr(OPERATOR_KEY);
    address internal challenger = named("challenger");
    address internal timelock = named("timelock");

    function setUp() public virtual {
        vm.warp(START);
        token = new InfernetToken(timelock, 1e9 * uint256(UNIT), address(this), 1e8 * uint256(UNIT));
        stake = new Stake(config());
        court = new CourtDouble(stake);
        vm.prank(timelock);
        stake.setCourt(address(court));
        token.transfer(operator, 10 * MINIMUM);
        vm.prank(operator);
        token.approve(address(stake), type(uint256).max);
    }

    function config() internal view returns (IStake.StakeConfig memory) {
        return IStake.StakeConfig({
            token: address(token),
            owner: timelock,
            floor: 10 * UNIT,
            ceiling: 10_000 * UNIT,
            minimum: MINIMUM,
            unbondSeconds: uint32(DELAY),
            withdrawSeconds: uint32(SPAN),
            challengerBps: 2_500
        });
    }

    function register(uint96 amount) internal {
        vm.prank(operator);
        stake.register(bindingOf(PEER), amount);
    }

    /// @dev The contract checks no signature: these could be any bytes.
    function bindingOf(bytes32 peerKey) internal pure returns (IStake.Binding memory) {
        return IStake.Binding({ peerKey: peerKey, r: ~peerKey, s: keccak256(abi.encode(peerKey)) });
    }

    function unbond(uint96 amount) internal {
        vm.prank(operator);
        stake.unbond(amount);
    }

    function assertAmounts(uint96 working, uint96 unbonding, uint40 unbondAt) internal view {
        IStake.Operator memory got = stake.operatorOf(operator);
        vm.assertEq(got.stake, working, "stake");
        vm.assertEq(got.unbonding, unbonding, "unbonding");
        vm.assertEq(got.unbondAt, unbondAt, "unbondAt");
    }

    function wrongState(IStake.State state) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IStake.WrongState.selector, operator, state);
    }
}
