// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IStake } from "../../src/interfaces/IStake.sol";

/// @notice Stands where the court will be.
contract CourtDouble {
    IStake private immutable STAKE;

    constructor(IStake stake) {
        STAKE = stake;
    }

    function slash(address operator, uint96 amount, address challenger) external returns (uint96) {
        return STAKE.slash(operator, amount, challenger);
    }

    function jail(address operator) external {
        STAKE.jail(operator);
    }

    function unjail(address operator) external {
        STAKE.unjail(operator);
    }
}

/// @notice Asks for whatever royalty it is told to.
contract GreedyModels {
    address public payee;
    uint16 public bps;

    function ask(address payee_, uint16 bps_) external {
        (payee, bps) = (payee_, bps_);
    }

    function royaltyOf(bytes32) external view returns (address, uint16, uint40) {
        return (payee, bps, 0);
    }
}
