// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { StakeFixture } from "../StakeFixture.sol";
import { TestBase } from "../Vm.sol";
import { CourtDouble } from "../mocks/Doubles.sol";
import { InfernetToken } from "../../src/InfernetToken.sol";
import { Stake } from "../../src/Stake.sol";
import { IStake } from "../../src/interfaces/IStake.sol";

/// @notice Operators, a court and an owner doing all that stake allows.
contract StakeHandler is TestBase {
    uint256 public constant OPERATORS = 4;
    uint256 public constant KEYS = 3;
    Stake private immutable STAKE;
    InfernetToken private immutable TOKEN;
    CourtDouble private immutable COURT;
    address private immutable OWNER;

    mapping(address operator => uint256) public staked;
    mapping(address operator => uint256) public withdrawn;
    mapping(address operator => uint256) public slashed;
    uint256 public burned;
    uint256 public collected;
    bool public wasSlashedAbove;

    constructor(Stake stake, InfernetToken token, CourtDouble court, address owner) {
        (STAKE, TOKEN, COURT, OWNER) = (stake, token, court, owner);
    }

    function operatorAt(uint256 index) public pure returns (address) {
        return vm.addr(0xF000 + index);
    }

    function put(uint256 who, uint96 amount) external {
        address operator = operatorAt(who % OPERATORS);
        IStake.State state = STAKE.operatorOf(operator).state;
        if (state == IStake.State.Retired) return;
        uint96 least = state == IStake.State.None ? STAKE.config().minimum : 1;
        amount = uint96(bound(amount, least, 20_000e18));
        vm.prank(operator);
        if (state == IStake.State.None) {
            STAKE.register(IStake.Binding(keccak256(abi.encode(who)), 0, 0), amount);
        } else {
            STAKE.add(amount);
        }
        staked[operator] += amount;
    }

    function unbond(uint256 who, uint96 amount, bool isBack) external {
        address operator = operatorAt(who % OPERATORS);
        IStake.Operator memory got = STAKE.operatorOf(operator);
        vm.startPrank(operator);
        if (isBack && got.unbonding > 0 && got.state != IStake.State.Retired) STAKE.cancelUnbond();
        else if (got.stake > 0) STAKE.unbond(uint96(bound(amount, 1, got.stake)));
        vm.stopPrank();
    }

    function withdraw(uint256 who) external {
        address operator = operatorAt(who % OPERATORS);
        IStake.Operator memory got = STAKE.operatorOf(operator);
        if (got.unbonding == 0) return;
        if (block.timestamp < got.unbondAt) vm.warp(got.unbondAt);
        vm.prank(operator);
        STAKE.withdraw();
        withdrawn[operator] += got.unbonding;
    }

    function retire(uint256 who, uint8 chance) external {
        address operator = operatorAt(who % OPERATORS);
        IStake.State state = STAKE.operatorOf(operator).state;
        if (chance > 40 || state != IStake.State.Active) return;
        vm.prank(operator);
        STAKE.retire();
    }

    function slash(uint256 who, uint96 amount, bool hasChallenger) external {
        address operator = operatorAt(who % OPERATORS);
        IStake.Operator memory got = STAKE.operatorOf(operator);
        uint256 total = uint256(got.stake) + got.unbonding;
        if (total == 0) return;
        uint256 supply = TOKEN.totalSupply();
        amount = uint96(bound(amount, 1, 2 * total));
        uint96 taken = COURT.slash(operator, amount, hasChallenger ? address(0xC4A) : address(0));
        if (taken > total || taken > amount) wasSlashedAbove = true;
        slashed[operator] += taken;
        burned += supply - TOKEN.totalSupply();
    }

    function judge(uint256 who, bool isJail) external {
        address operator = operatorAt(who % OPERATORS);
        IStake.State state = STAKE.operatorOf(operator).state;
        if (isJail && (state == IStake.State.Active || state == IStake.State.Retired)) COURT.jail(operator);
        if (!isJail && state == IStake.State.Jailed) COURT.unjail(operator);
    }

    /// @dev Keys that several name at times.
    function rename(uint256 who, uint8 key) external {
        address operator = operatorAt(who % OPERATORS);
        if (STAKE.operatorOf(operator).state != IStake.State.Active) return;
        if (STAKE.bindingsOf(operator).length == 16) return;
        vm.prank(operator);
        STAKE.setPeerKey(IStake.Binding(bytes32(1 + uint256(key) % KEYS), 0, 0));
    }

    function govern(uint96 minimum) external {
        vm.prank(OWNER);
        STAKE.setMinimum(uint96(bound(minimum, 10e18, 10_000e18)));
    }

    function collect() external {
        uint256 reward = STAKE.rewardOf(address(0xC4A));
        if (reward == 0) return;
        STAKE.collect(address(0xC4A));
        collected += reward;
    }
}

contract StakeInvariantTest is StakeFixture {
    StakeHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new StakeHandler(stake, token, court, timelock);
        for (uint256 i; i < handler.OPERATORS(); ++i) {
            token.transfer(handler.operatorAt(i), 10_000_000 * uint256(UNIT));
            vm.prank(handler.operatorAt(i));
            token.approve(address(stake), type(uint256).max);
        }
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_stake() public view {
        stakeIsSolvent();
        nothingElseTouchesStake();
        slashIsNeverAboveStake();
        eachKeyKnowsWhoIsJailedWithIt();
    }

    function eachKeyKnowsWhoIsJailedWithIt() private view {
        for (uint256 key = 1; key <= handler.KEYS(); ++key) {
            uint256 jailed;
            for (uint256 i; i < handler.OPERATORS(); ++i) {
                address account = handler.operatorAt(i);
                bool isJailed = stake.operatorOf(account).state == IStake.State.Jailed;
                if (isJailed && named(account, bytes32(key))) ++jailed;
            }
            vm.assertEq(stake.jailedWith(bytes32(key)).length, jailed, "jailed with a key");
        }
    }

    function named(address account, bytes32 key) private view returns (bool) {
        IStake.Binding[] memory bindings = stake.bindingsOf(account);
        for (uint256 i; i < bindings.length; ++i) {
            if (bindings[i].peerKey == key) return true;
        }
        return false;
    }

    /// @dev To the unit: what is held is all stake, all that unbonds, and rewards.
    function stakeIsSolvent() private view {
        uint256 sum = stake.rewardOf(address(0xC4A));
        for (uint256 i; i < handler.OPERATORS(); ++i) {
            IStake.Operator memory got = stake.operatorOf(handler.operatorAt(i));
            sum += uint256(got.stake) + got.unbonding;
        }
        vm.assertEq(token.balanceOf(address(stake)), sum, "held");
    }

    /// @dev Only the operator's own withdrawals and the court's slashes take anything: no jail, no minimum.
    function nothingElseTouchesStake() private view {
        for (uint256 i; i < handler.OPERATORS(); ++i) {
            address account = handler.operatorAt(i);
            IStake.Operator memory got = stake.operatorOf(account);
            vm.assertEq(
                uint256(got.stake) + got.unbonding + handler.withdrawn(account) + handler.slashed(account),
                handler.staked(account),
                "an operator against what it staked"
            );
        }
    }

    function slashIsNeverAboveStake() private view {
        vm.assertFalse(handler.wasSlashedAbove());
        uint256 slashed;
        for (uint256 i; i < handler.OPERATORS(); ++i) {
            slashed += handler.slashed(handler.operatorAt(i));
        }
        vm.assertEq(
            slashed,
            handler.burned() + handler.collected() + stake.rewardOf(address(0xC4A)),
            "slashes, against fire and rewards"
        );
    }
}
