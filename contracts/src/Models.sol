// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IModels } from "./interfaces/IModels.sol";

/// @title Models
contract Models is IModels {
    /// @inheritdoc IModels
    uint16 public constant MAX_ROYALTY_BPS = 2_000;
    /// @inheritdoc IModels
    uint32 public immutable NOTICE_SECONDS;
    uint256 private constant MAX_NAME_BYTES = 64;
    /// @dev A publisher should not wait longer for its first royalty.
    uint256 private constant MAX_NOTICE_SECONDS = 30 days;

    mapping(bytes32 manifest => Model) private _models;
    mapping(bytes32 manifest => bytes32 nameHash) private _nameOf;
    mapping(bytes32 nameHash => address) private _ownerOf;
    mapping(bytes32 nameHash => address) private _offeredTo;

    /// @param noticeSeconds Longer than vouchers stay unclaimed; nothing where money is worth nothing.
    /// @param owner Has the names of `founding`.
    constructor(uint32 noticeSeconds, address owner, Founding[] memory founding) {
        if (noticeSeconds > MAX_NOTICE_SECONDS) revert OutOfBounds("noticeSeconds", noticeSeconds);
        NOTICE_SECONDS = noticeSeconds;
        for (uint256 i; i < founding.length; ++i) {
            Founding memory each = founding[i];
            _publish(owner, each.manifest, each.name, each.licence, 0, owner);
        }
    }

    /// @inheritdoc IModels
    function publish(bytes32 manifest, string calldata name, uint8 licence, uint16 royaltyBps, address payee)
        external
    {
        _publish(msg.sender, manifest, name, licence, royaltyBps, payee);
    }

    /// @inheritdoc IModels
    function lowerRoyalty(bytes32 manifest, uint16 royaltyBps) external {
        _checkOwner(_nameOf[manifest]);
        uint16 current = _models[manifest].royaltyBps;
        if (royaltyBps > current) revert RoyaltyTooHigh(royaltyBps, current);

        _models[manifest].royaltyBps = royaltyBps;
        emit RoyaltyLowered(manifest, royaltyBps);
    }

    /// @inheritdoc IModels
    function setPayee(bytes32 manifest, address payee) external {
        _checkOwner(_nameOf[manifest]);
        if (payee == address(0)) revert ZeroPayee();

        _models[manifest].payee = payee;
        emit PayeeChanged(manifest, payee);
    }

    /// @inheritdoc IModels
    function transferName(string calldata name, address to) external {
        bytes32 nameHash = keccak256(bytes(name));
        _checkOwner(nameHash);

        _offeredTo[nameHash] = to;
        emit NameOffered(nameHash, msg.sender, to);
    }

    /// @inheritdoc IModels
    function acceptName(string calldata name) external {
        bytes32 nameHash = keccak256(bytes(name));
        address offeredTo = _offeredTo[nameHash];
        if (msg.sender != offeredTo) revert NotOffered(msg.sender, offeredTo);
        address from = _ownerOf[nameHash];

        _ownerOf[nameHash] = msg.sender;
        delete _offeredTo[nameHash];
        emit NameTransferred(nameHash, from, msg.sender);
    }

    /// @inheritdoc IModels
    function royaltyOf(bytes32 manifest) external view returns (address payee, uint16 bps, uint40 from) {
        Model storage model = _models[manifest];
        return (model.payee, model.royaltyBps, model.royaltyFrom);
    }

    /// @inheritdoc IModels
    function modelOf(bytes32 manifest) external view returns (Model memory model, bytes32 nameHash) {
        return (_models[manifest], _nameOf[manifest]);
    }

    /// @inheritdoc IModels
    function ownerOf(string calldata name) external view returns (address owner, address offeredTo) {
        bytes32 nameHash = keccak256(bytes(name));
        return (_ownerOf[nameHash], _offeredTo[nameHash]);
    }

    function _publish(
        address publisher,
        bytes32 manifest,
        string memory name,
        uint8 licence,
        uint16 royaltyBps,
        address payee
    ) private {
        if (manifest == 0) revert ZeroManifest();
        if (payee == address(0)) revert ZeroPayee();
        if (!_isName(bytes(name))) revert InvalidName(name);
        if (royaltyBps > MAX_ROYALTY_BPS) revert RoyaltyTooHigh(royaltyBps, MAX_ROYALTY_BPS);
        if (_models[manifest].payee != address(0)) revert AlreadyPublished(manifest);
        bytes32 nameHash = keccak256(bytes(name));
        address owner = _ownerOf[nameHash];
        if (owner == address(0)) _ownerOf[nameHash] = publisher;
        else if (owner != publisher) revert NotNameOwner(publisher, owner);

        _models[manifest] = Model({
            payee: payee,
            royaltyBps: royaltyBps,
            licence: licence,
            royaltyFrom: uint40(block.timestamp + NOTICE_SECONDS)
        });
        _nameOf[manifest] = nameHash;
        emit Published(manifest, nameHash, publisher, name, licence, royaltyBps, payee);
    }

    /// @dev The name of an unknown manifest is zero, which nobody owns.
    function _checkOwner(bytes32 nameHash) private view {
        address owner = _ownerOf[nameHash];
        if (msg.sender != owner) revert NotNameOwner(msg.sender, owner);
    }

    function _isName(bytes memory name) private pure returns (bool) {
        if (name.length == 0 || name.length > MAX_NAME_BYTES) return false;
        for (uint256 i; i < name.length; ++i) {
            if (!_isNameByte(name[i])) return false;
        }
        return true;
    }

    /// @dev `-`, `.` and `/` stand side by side in ASCII.
    function _isNameByte(bytes1 char) private pure returns (bool) {
        return (char >= "a" && char <= "z") || (char >= "-" && char <= "9") || char == "_";
    }
}
