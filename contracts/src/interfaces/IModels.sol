// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IModels
/// @notice Who publishes which model under which name, and what share of its income they ask for.
/// @dev Holds no money. A name belongs to whom first publishes under it; a manifest to the name it came with.
/// @custom:security Whoever publishes a manifest first has its royalty, after a notice: what was earned before, and was
/// claimed within the notice, bears none. Publish before the manifest is public, and over a private mempool where the
/// chain's is a public one.
interface IModels {
    /// @notice One slot for what a payment needs to know of a model.
    /// @param payee Whom the royalty goes to; zero for a manifest that nobody published.
    /// @param royaltyBps The royalty in basis points of the price.
    /// @param licence A number from the project's list of licences; the contract gives it no meaning.
    /// @param royaltyFrom When the royalty begins, in seconds: the notice after it was published.
    struct Model {
        address payee;
        uint16 royaltyBps;
        uint8 licence;
        uint40 royaltyFrom;
    }

    /// @notice A model that is published with the contract itself, for no royalty: so nobody can ask one for it.
    struct Founding {
        bytes32 manifest;
        string name;
        uint8 licence;
    }

    /// @notice A parameter of the constructor is out of its bounds.
    error OutOfBounds(bytes32 parameter, uint256 value);

    /// @notice A name is 1 to 64 bytes out of a-z, 0-9 and `.`, `_`, `/`, `-`.
    error InvalidName(string name);
    /// @notice Zero is no manifest.
    error ZeroManifest();
    /// @notice Zero can't be paid.
    error ZeroPayee();
    /// @notice A manifest is published once.
    error AlreadyPublished(bytes32 manifest);
    /// @notice The royalty is above what is allowed, or above what it is now.
    error RoyaltyTooHigh(uint16 bps, uint16 highest);
    /// @notice The name belongs to another.
    error NotNameOwner(address caller, address owner);
    /// @notice The name was not offered to the caller.
    error NotOffered(address caller, address offeredTo);

    event Published(
        bytes32 indexed manifest,
        bytes32 indexed nameHash,
        address indexed publisher,
        string name,
        uint8 licence,
        uint16 royaltyBps,
        address payee
    );
    event RoyaltyLowered(bytes32 indexed manifest, uint16 royaltyBps);
    event PayeeChanged(bytes32 indexed manifest, address indexed payee);
    event NameOffered(bytes32 indexed nameHash, address indexed owner, address indexed to);
    event NameTransferred(bytes32 indexed nameHash, address indexed from, address indexed to);

    /// @notice The highest royalty, in basis points.
    function MAX_ROYALTY_BPS() external view returns (uint16);

    /// @notice How long after its publication a royalty begins, in seconds: time to claim what was earned before.
    function NOTICE_SECONDS() external view returns (uint32);

    /// @notice Publishes `manifest` (its SHA-256) under `name`, taking the name if it is free.
    /// @dev Reverts with `ZeroManifest`, `ZeroPayee`, `InvalidName`, `RoyaltyTooHigh`, `AlreadyPublished`,
    /// `NotNameOwner`.
    function publish(bytes32 manifest, string calldata name, uint8 licence, uint16 royaltyBps, address payee)
        external;

    /// @notice Lowers a royalty; it never rises, so that what was earned can't be taxed afterwards.
    /// @dev Reverts with `NotNameOwner`, `RoyaltyTooHigh`.
    function lowerRoyalty(bytes32 manifest, uint16 royaltyBps) external;

    /// @notice Sends what is swept from now on to another payee.
    /// @dev Reverts with `NotNameOwner`, `ZeroPayee`.
    function setPayee(bytes32 manifest, address payee) external;

    /// @notice Offers a name, with all its manifests, to `to`; zero takes the offer back. Payees stay as they are.
    /// @dev Reverts with `NotNameOwner`.
    function transferName(string calldata name, address to) external;

    /// @notice Takes a name that was offered.
    /// @dev Reverts with `NotOffered`.
    function acceptName(string calldata name) external;

    /// @notice Payee and royalty of a manifest and when it begins, all zero where nobody published it.
    function royaltyOf(bytes32 manifest) external view returns (address payee, uint16 bps, uint40 from);

    /// @notice What is known of a manifest, and the hash of its name.
    function modelOf(bytes32 manifest) external view returns (Model memory model, bytes32 nameHash);

    /// @notice The owner of a name, zero for a free one, and to whom it is offered.
    function ownerOf(string calldata name) external view returns (address owner, address offeredTo);
}
