// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC5267 } from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import { EscrowFixture } from "./EscrowFixture.sol";
import { IEscrow } from "../src/interfaces/IEscrow.sol";
import { IEscrowErrors } from "../src/interfaces/IEscrowErrors.sol";
import { ContractWallet, RefusingDelegate } from "./mocks/Wallets.sol";

contract SignaturesTest is EscrowFixture {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function test_signature_isTakenInBothForms() public {
        Voucher memory voucher = voucherTo(provider, UNIT);
        claimAs(provider, sign(PAYER_KEY, voucher));
        voucher.cumulative = 2 * UNIT;
        claimAs(provider, long(PAYER_KEY, voucher));
        openSession(10 * UNIT);
        voucher.cumulative = 3 * UNIT;
        claimAs(provider, long(SESSION_KEY, voucher));
        vm.assertEq(potGross(provider), 3 * UNIT);
    }

    function test_signature_withTheHigherHalfIsRefused() public {
        SignedVoucher memory voucher = long(PAYER_KEY, voucherTo(provider, UNIT));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, escrow.hashVoucher(voucher.voucher));
        voucher.signature = abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? 28 : 27);
        refused(voucher);
        openSession(UNIT);
        voucher = long(SESSION_KEY, voucher.voucher);
        (v, r, s) = vm.sign(SESSION_KEY, escrow.hashVoucher(voucher.voucher));
        voucher.signature = abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? 28 : 27);
        refused(voucher);
    }

    function testFuzz_signature_ofAnyOtherBytesIsRefused(bytes calldata noise) public {
        SignedVoucher memory voucher = signed(provider, UNIT);
        voucher.signature = noise;
        refused(voucher);
    }

    function testFuzz_signature_coversEveryField(uint256 field, uint96 other) public {
        SignedVoucher memory voucher = signed(provider, UNIT);
        other = uint96(bound(other, 2 * uint256(UNIT), type(uint96).max));
        Voucher memory changed = voucher.voucher;
        field = bound(field, 0, 3);
        if (field == 0) changed.provider = address(uint160(other));
        if (field == 1) changed.model = bytes32(uint256(other));
        if (field == 2) changed.relay = address(uint160(other));
        if (field == 3) changed.cumulative = other;
        refused(voucher);
    }

    function test_signature_ofAnotherIsRefused() public {
        SignedVoucher memory voucher = sign(SESSION_KEY, voucherTo(provider, UNIT));
        voucher.signer = payer;
        refused(voucher);
        openSession(UNIT);
        voucher = signed(provider, UNIT);
        voucher.signer = key;
        refused(voucher);
        voucher.signer = address(0);
        vm.expectRevert(
            abi.encodeWithSelector(IEscrowErrors.SessionExpired.selector, 0, address(0), uint256(GRACE))
        );
        claimAs(provider, voucher);
    }

    function test_signature_isOfOneContractAndOneChain() public {
        IEscrow twin = deployEscrow(config());
        SignedVoucher memory foreign = signFor(twin, PAYER_KEY, voucherTo(provider, UNIT));
        refused(foreign);
        SignedVoucher memory here = signed(provider, UNIT);
        vm.chainId(4242);
        refused(here);
        claimAs(provider, signed(provider, UNIT));
        vm.assertEq(potGross(provider), UNIT);
    }

    function test_signature_ofAContractIsWhatItSays() public {
        ContractWallet wallet = fundedWallet();
        Voucher memory voucher = voucherTo(provider, UNIT);
        voucher.payer = address(wallet);
        SignedVoucher memory byOwner = long(PAYER_KEY, voucher);
        byOwner.signer = address(wallet);
        SignedVoucher memory byOther = long(SESSION_KEY, voucher);
        byOther.signer = address(wallet);
        refused(byOther);
        claimAs(provider, byOwner);
        vm.assertEq(potGross(provider), UNIT);

        // It may take its word back: why providers take a contract's session key only.
        wallet.disown();
        voucher.cumulative = 2 * UNIT;
        byOwner = long(PAYER_KEY, voucher);
        byOwner.signer = address(wallet);
        refused(byOwner);
    }

    function test_sessionKey_ofAContractBindsIt() public {
        ContractWallet wallet = fundedWallet();
        wallet.authorizeSession(escrow, key, UNIT, uint40(START + 1 days));
        wallet.disown();
        Voucher memory voucher = voucherTo(provider, UNIT);
        voucher.payer = address(wallet);
        claimAs(provider, sign(SESSION_KEY, voucher));
        vm.assertEq(potGross(provider), UNIT);
    }

    function test_signature_ofAKeyHoldsThoughItsAccountDelegates() public {
        SignedVoucher memory voucher = signed(provider, UNIT);
        // As after an EIP-7702 delegation: the account of the key has code that says no to everything.
        vm.etch(payer, type(RefusingDelegate).runtimeCode);
        claimAs(provider, voucher);
        vm.assertEq(potGross(provider), UNIT);
        voucher.signature = "";
        voucher.voucher.cumulative = 2 * UNIT;
        refused(voucher);
    }

    function test_domain_isTold() public view {
        (, string memory name, string memory version, uint256 chain, address verifier,,) =
            IERC5267(address(escrow)).eip712Domain();
        vm.assertEq(name, "Infernet Escrow");
        vm.assertEq(version, "1");
        vm.assertEq(chain, block.chainid);
        vm.assertEq(verifier, address(escrow));
    }

    function fundedWallet() private returns (ContractWallet wallet) {
        wallet = new ContractWallet(payer);
        token.transfer(address(wallet), DEPOSIT);
        wallet.deposit(escrow, DEPOSIT);
    }

    function refused(SignedVoucher memory voucher) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrowErrors.InvalidSignature.selector, 0, voucher.signer));
        claimAs(provider, voucher);
    }

    /// @dev 65 bytes in place of 64.
    function long(uint256 signerKey, Voucher memory voucher) private view returns (SignedVoucher memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signerKey, escrow.hashVoucher(voucher));
        return
            SignedVoucher({
                voucher: voucher, signer: vm.addr(signerKey), signature: abi.encodePacked(r, s, v)
            });
    }
}
