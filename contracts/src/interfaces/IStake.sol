// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IStake
/// @notice Providers' stake: what they lose when they are proven to cheat, and what makes them worth asking.
/// @dev Amounts are units of INF. An operator is the address that stakes and is paid; its peer key is the raw
/// Ed25519 public key of its node.
/// @custom:security A peer key is Ed25519, which no precompile verifies: a binding is kept here and checked by whoever
/// reads it. Anybody may name any key, so that nobody can keep its owner out by being first; a binding that the key did
/// not sign counts for nothing. A binding that it did sign stays for good, and so a jail and a slash follow the key to
/// every account that it ever signed for.
interface IStake {
    /// @notice `None` never registered. `Jailed` may take its stake back, but it is not offered work, names no other
    /// key and can't retire. `Retired` is for good, unless the court jails it and lets it out again.
    enum State {
        None,
        Active,
        Jailed,
        Retired
    }

    /// @param token INF.
    /// @param owner The timelock: sets the court and, inside the bounds, the minimum. It can't touch stake.
    /// @param floor Lowest minimum that the owner may set.
    /// @param ceiling Highest minimum that the owner may set.
    /// @param minimum The minimum at the start. As much at work lifts an escrow's cap, whatever the minimum becomes.
    /// @param unbondSeconds How long stake stays in reach of the court after it was asked back: 2 to 60 days. Where stake
    /// is worth something the owner's delay must be longer, which can't be asked here: a delay may change.
    /// @param withdrawSeconds How long after that it may be withdrawn, 1 to 14 days; what is left then is stake again.
    /// @param challengerBps The challenger's share of a slash in basis points; the rest burns.
    struct StakeConfig {
        address token;
        address owner;
        uint96 floor;
        uint96 ceiling;
        uint96 minimum;
        uint32 unbondSeconds;
        uint32 withdrawSeconds;
        uint16 challengerBps;
    }

    /// @notice One slot for all amounts of an operator.
    /// @param stake Works for the operator.
    /// @param unbonding Was asked back, may still be slashed.
    /// @param unbondAt From when on `unbonding` may be withdrawn, in seconds, for `withdrawSeconds`.
    struct Operator {
        uint96 stake;
        uint96 unbonding;
        uint40 unbondAt;
        State state;
    }

    /// @notice A peer key, and what it signed: "on this chain, at this stake contract, that operator is me". Not
    /// checked here.
    /// @param peerKey The raw Ed25519 public key.
    /// @param r The first half of its signature.
    /// @param s The second half.
    struct Binding {
        bytes32 peerKey;
        bytes32 r;
        bytes32 s;
    }

    error ZeroAmount();
    error ZeroPeerKey();
    /// @notice The operator has named as many peer keys as an operator may.
    error TooManyPeerKeys(address operator);
    error NotOwner(address caller);
    error NotCourt(address caller);
    /// @notice A parameter of the constructor, or a new minimum, is out of its bounds.
    error OutOfBounds(bytes32 parameter, uint256 value);
    /// @notice The operator's state does not allow the call.
    error WrongState(address operator, State state);
    error BelowMinimum(uint96 amount, uint96 minimum);
    error InsufficientStake(uint96 asked, uint96 stake);
    /// @notice Nothing is unbonding.
    error NothingUnbonding(address operator);
    /// @notice What is asked for may be had from `earliest` on, in seconds.
    error TooEarly(uint40 earliest);
    /// @notice Nothing is owed to this account.
    error NothingToCollect(address account);
    /// @notice An operator would profit from its own slash.
    error SelfChallenge(address operator);

    event Registered(address indexed operator, bytes32 indexed peerKey, uint96 stake);
    event PeerKeyChanged(address indexed operator, bytes32 indexed peerKey);
    /// @notice The amounts after a change, whatever the change was. Unbonding that was not withdrawn in time is stake
    /// again without an event of its own: `operatorOf` tells.
    event StakeChanged(address indexed operator, uint96 stake, uint96 unbonding, uint40 unbondAt);
    event Withdrawn(address indexed operator, uint96 amount);
    event StateChanged(address indexed operator, State state);
    event Slashed(address indexed operator, address indexed challenger, uint96 amount, uint96 reward);
    event Collected(address indexed account, uint256 amount);
    event MinimumChanged(uint96 minimum);
    event CourtChanged(address indexed court);

    /// @notice Registers the caller with its peer key and stakes `amount`, at least the minimum.
    /// @dev Reverts with `WrongState` for whom registered before, `ZeroPeerKey`, `BelowMinimum`.
    function register(Binding calldata binding, uint96 amount) external;

    /// @notice `register` with an ERC-2612 permit in place of an approval.
    /// @dev A permit that somebody else has already sent is not an error as long as the allowance is there.
    function registerWithPermit(
        Binding calldata binding,
        uint96 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Puts another peer key in the place of the caller's. Those before stay on record, 16 in all.
    /// @dev Reverts with `WrongState` unless active, `ZeroPeerKey`, `TooManyPeerKeys`.
    function setPeerKey(Binding calldata binding) external;

    /// @notice Adds to the caller's stake.
    /// @dev Reverts with `WrongState` unless active or jailed, `ZeroAmount`.
    function add(uint96 amount) external;

    /// @notice Asks part of the stake back. Asking again merges with what is unbonding and restarts its clock.
    /// @dev Reverts with `ZeroAmount`, `InsufficientStake`.
    function unbond(uint96 amount) external;

    /// @notice Puts all that is unbonding back to work.
    /// @dev Reverts with `WrongState` unless active or jailed, `NothingUnbonding`.
    function cancelUnbond() external;

    /// @notice Pays what has been unbonding long enough, for `withdrawSeconds`; after that it is stake again, which has
    /// to be asked back anew. So nobody waits, free to go, until it sees a slash coming. No state and no court keeps it.
    /// @dev Reverts with `NothingUnbonding`, `TooEarly`.
    function withdraw() external;

    /// @notice Ends the registration for good and asks all stake back. What is not withdrawn in time can be asked back
    /// again, with `unbond`. Its peer keys stay on record.
    /// @dev Reverts with `WrongState` unless active: who is jailed stays so, and takes its stake back with `unbond`.
    function retire() external;

    /// @notice Takes `amount`, or all there is, from what works and what is unbonding in proportion, the odd unit
    /// from what would leave first. The challenger's share is credited, rounded down; the rest burns.
    /// @dev Reverts with `NotCourt`, `SelfChallenge`, `InsufficientStake` when there is nothing at all, `ZeroAmount`.
    /// @param challenger Who proved it; zero burns everything.
    function slash(address operator, uint96 amount, address challenger) external returns (uint96 slashed);

    /// @notice Stops an operator from being offered work, from lifting an escrow's cap and from naming another key. One
    /// that has retired can be jailed too, so that nobody leaves a jail by being faster.
    /// @dev Reverts with `NotCourt`, `WrongState` unless active or retired.
    function jail(address operator) external;

    /// @notice Lets a jailed operator work again, also one that had retired: it is as it was before that, less its stake.
    /// @dev Reverts with `NotCourt`, `WrongState`.
    function unjail(address operator) external;

    /// @notice Pays a challenger what slashes credited to it; anybody may send it.
    /// @dev Reverts with `NothingToCollect`.
    function collect(address account) external;

    /// @notice Changes the minimum inside the immutable bounds. Nobody loses stake by it.
    /// @dev Reverts with `NotOwner`, `OutOfBounds`.
    function setMinimum(uint96 minimum_) external;

    /// @notice Names the one address that may slash and jail; zero for none.
    /// @dev Reverts with `NotOwner`.
    function setCourt(address court_) external;

    /// @notice True for an active operator with at least the minimum at work: who should be offered jobs.
    function isActive(address operator) external view returns (bool);

    /// @notice True where at least the minimum of the start is at work, and no court has jailed the operator. This lifts
    /// an escrow's daily cap, which no higher minimum takes away. One slot.
    function hasStake(address operator) external view returns (bool);

    /// @notice Amounts and state of an operator.
    function operatorOf(address operator) external view returns (Operator memory);

    /// @notice The peer key that an operator named last, zero for none.
    function peerKeyOf(address operator) external view returns (bytes32);

    /// @notice All that an operator ever named, the last one at the end; at most 16. Who counts stake or a jail for a
    /// key verifies its signature first.
    function bindingsOf(address operator) external view returns (Binding[] memory);

    /// @notice The operators that are jailed and ever named this key, by whatever binding, in no order. Only the court
    /// puts anybody here.
    function jailedWith(bytes32 peerKey) external view returns (address[] memory);

    /// @notice What slashes credited to a challenger.
    function rewardOf(address account) external view returns (uint256);

    /// @notice The parameters, `minimum` being today's.
    function config() external view returns (StakeConfig memory);

    /// @notice Who may slash and jail; zero for nobody.
    function court() external view returns (address);
}
