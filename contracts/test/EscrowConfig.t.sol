// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";

contract EscrowConfigTest is EscrowFixture {
    function test_config_isToldAsItWasGiven() public view {
        vm.assertEq(keccak256(abi.encode(escrow.config())), keccak256(abi.encode(config())));
    }

    function test_config_takesItsBounds() public {
        Config memory init = config();
        (init.bondBps, init.graceSeconds, init.defaultWindowSeconds) = (100, 1 days, 1 days);
        (init.tipBps, init.unstakedDailyCap, init.payerDailyCap) = (100, 1, 1);
        (init.relayBps, init.burnBps, init.treasuryBps) = (2_900, 0, 0);
        deployEscrow(init);
        (init.bondBps, init.graceSeconds, init.defaultWindowSeconds) = (5_000, 30 days, 30 days);
        (init.tipBps, init.relayBps, init.burnBps, init.treasuryBps) = (0, 1_000, 1_000, 1_000);
        deployEscrow(init);
    }

    function test_config_refusesAddressesThatAreNoContracts() public {
        Config memory init = config();
        init.asset = stranger;
        refused(init, "asset", 0);
        init = config();
        init.stake = stranger;
        refused(init, "stake", 0);
        init = config();
        init.models = stranger;
        refused(init, "models", 0);
        init = config();
        init.treasury = address(0);
        refused(init, "treasury", 0);
    }

    function test_config_refusesSharesThatLeaveTheProviderLessThanHalf() public {
        Config memory init = config();
        init.relayBps = 2_401;
        refused(init, "shares", 2_901);
        init.relayBps = 500;
        init.burnBps = 2_101;
        refused(init, "shares", 2_901);
        init.burnBps = 200;
        init.treasuryBps = 2_201;
        refused(init, "shares", 2_901);
        init.treasuryBps = 2_200;
        deployEscrow(init);
    }

    function test_config_refusesNumbersOutOfBounds() public {
        Config memory init = config();
        init.tipBps = 101;
        refused(init, "tipBps", 101);
        init = config();
        init.bondBps = 99;
        refused(init, "bondBps", 99);
        init.bondBps = 5_001;
        refused(init, "bondBps", 5_001);
        init = config();
        init.graceSeconds = 1 days - 1;
        refused(init, "graceSeconds", 1 days - 1);
        init.graceSeconds = 30 days + 1;
        refused(init, "graceSeconds", 30 days + 1);
        init = config();
        init.defaultWindowSeconds = 1 days - 1;
        refused(init, "defaultWindowSeconds", 1 days - 1);
        init.defaultWindowSeconds = 30 days + 1;
        refused(init, "defaultWindowSeconds", 30 days + 1);
        init = config();
        init.unstakedDailyCap = 0;
        refused(init, "unstakedDailyCap", 0);
        init = config();
        init.payerDailyCap = init.unstakedDailyCap - 1;
        refused(init, "payerDailyCap", init.payerDailyCap);
    }

    function refused(Config memory init, bytes32 parameter, uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.OutOfBounds.selector, parameter, value));
        this.callDeployEscrow(init);
    }
}
