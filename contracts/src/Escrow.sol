// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Accounts } from "./escrow/Accounts.sol";
import { Claims } from "./escrow/Claims.sol";
import { Ledger } from "./escrow/Ledger.sol";
import { Payouts } from "./escrow/Payouts.sol";

/// @title Escrow
/// @notice Deposits on one side, payees on the other, vouchers between; see `IEscrow` for every promise.
contract Escrow is Accounts, Claims, Payouts {
    constructor(Config memory init) Ledger(init) { }
}
