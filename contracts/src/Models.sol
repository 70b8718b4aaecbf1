// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IModels } from "./interfaces/IModels.sol";

/// @title Models
contract Models is IModels {
    /// @inheritdoc IModels
    uint16 public constant MAX_ROYALTY_BPS = 2_000;
    uint256 private constant MAX_NAME_BYTES = 64;

    mapping(bytes32 manifest => Model) private _models;
    mapping(bytes32 manifest => bytes32 nameHash) private _nameOf;
    mapping(bytes32 nameHash => address) private _ownerOf;
    mapping(bytes32 nameHash => address) private _offeredTo;

    /// @inheritdoc IModels
    function publish(bytes32 manifest, string calldata name, uint8 licence, uint16 royaltyBps, address payee)
        external
    {
        if (manifest == 0) revert ZeroManifest();
        if (payee == address(0)) revert ZeroPayee();
        if (!_isName(bytes(name))) revert InvalidName(name);
        if (royaltyBps > MAX_ROYALTY_BPS) revert RoyaltyTooHigh(royaltyBps, MAX_ROYALTY_BPS);
        if (_models[manifest].payee != address(0)) revert AlreadyPublished(manifest);
        bytes32 nameHash = keccak256(bytes(name));
        address owner = _ownerOf[nameHash];
        if (owner == address(0)) _ownerOf[nameHash] = msg.sender;
        else if (owner != msg.sender) revert NotNameOwner(msg.sender, owner);

        _models[manifest] = Model({ payee: payee, royaltyBps: royaltyBps, licence: licence });
        _nameOf[manifest] = nameHash;
        emit Published(manifest, nameHash, msg.sender, name, licence, royaltyBps, payee);
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
    function royaltyOf(bytes32 manifest) external view returns (address payee, uint16 bps) {
        Model storage model = _models[manifest];
        return (model.payee, model.royaltyBps);
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

    /// @dev The name of an unknown manifest is zero, which nobody owns.
    function _checkOwner(bytes32 nameHash) private view {
        address owner = _ownerOf[nameHash];
        if (msg.sender != owner) revert NotNameOwner(msg.sender, owner);
    }

    function _isName(bytes calldata name) private pure returns (bool) {
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
