// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { IEscrow } from "../../src/interfaces/IEscrow.sol";

/// @notice A contract that pays, signs by its owner's key, and may change its mind.
contract ContractWallet is IERC1271 {
    address private immutable OWNER;
    bool public isDisowning;

    constructor(address owner) {
        OWNER = owner;
    }

    function deposit(IEscrow escrow, uint96 amount) external {
        IERC20(escrow.config().asset).approve(address(escrow), amount);
        escrow.deposit(amount);
    }

    function authorizeSession(IEscrow escrow, address key, uint96 cap, uint40 expiry) external {
        escrow.authorizeSession(key, cap, expiry);
    }

    function disown() external {
        isDisowning = true;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (uint8 v, bytes32 r, bytes32 s) = ECDSA.parseCalldata(signature);
        (address recovered,,) = ECDSA.tryRecover(digest, v, r, s);
        bool isGood = recovered == OWNER && !isDisowning;
        return isGood ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice What an account delegates to that wants to disown its key's signatures.
contract RefusingDelegate is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0;
    }
}
