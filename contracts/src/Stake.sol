// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { ERC20Burnable } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { EnumerableSet } from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { IStake } from "./interfaces/IStake.sol";
import { Shares } from "./libraries/Shares.sol";

/// @title Stake
/// @custom:security The token is INF alone: it moves exactly what it is asked to and calls nobody.
contract Stake is IStake, ReentrancyGuardTransient {
    using EnumerableSet for EnumerableSet.AddressSet;
    using SafeERC20 for IERC20;

    /// @dev Stake that goes lifts an escrow's cap until its day is over: it must be in the court's reach for longer.
    uint256 private constant MIN_UNBOND_SECONDS = 2 days;
    uint256 private constant MAX_UNBOND_SECONDS = 60 days;
    uint256 private constant MIN_WITHDRAW_SECONDS = 1 days;
    uint256 private constant MAX_WITHDRAW_SECONDS = 14 days;
    /// @dev Above half, slashing oneself through a friend would cost little.
    uint256 private constant MAX_CHALLENGER_BPS = 5_000;
    /// @dev For good: a jail writes to each of them, and whoever reads an operator verifies each. A browser that forgets
    /// its key every month has one for over a year.
    uint256 private constant MAX_PEER_KEYS = 16;

    address private immutable TOKEN;
    address private immutable OWNER;
    uint96 private immutable FLOOR;
    uint96 private immutable CEILING;
    /// @dev What lifts an escrow's cap: the minimum of the start.
    uint96 private immutable LIFTING;
    uint32 private immutable UNBOND_SECONDS;
    uint32 private immutable WITHDRAW_SECONDS;
    uint16 private immutable CHALLENGER_BPS;

    /// @inheritdoc IStake
    address public court;
    uint96 private _minimum;
    mapping(address operator => Operator) private _operators;
    /// @dev Nothing is ever taken out: a key that an operator has left behind is still answered for.
    mapping(address operator => Binding[]) private _bindings;
    mapping(bytes32 peerKey => EnumerableSet.AddressSet) private _jailed;
    mapping(address challenger => uint256) private _rewards;

    constructor(StakeConfig memory init) {
        if (init.token.code.length == 0) revert OutOfBounds("token", uint160(init.token));
        if (init.owner == address(0)) revert OutOfBounds("owner", 0);
        if (init.floor == 0 || init.floor > init.ceiling) revert OutOfBounds("floor", init.floor);
        if (init.unbondSeconds < MIN_UNBOND_SECONDS || init.unbondSeconds > MAX_UNBOND_SECONDS) {
            revert OutOfBounds("unbondSeconds", init.unbondSeconds);
        }
        if (init.withdrawSeconds < MIN_WITHDRAW_SECONDS || init.withdrawSeconds > MAX_WITHDRAW_SECONDS) {
            revert OutOfBounds("withdrawSeconds", init.withdrawSeconds);
        }
        if (init.challengerBps > MAX_CHALLENGER_BPS) revert OutOfBounds("challengerBps", init.challengerBps);
        TOKEN = init.token;
        OWNER = init.owner;
        FLOOR = init.floor;
        CEILING = init.ceiling;
        LIFTING = init.minimum;
        UNBOND_SECONDS = init.unbondSeconds;
        WITHDRAW_SECONDS = init.withdrawSeconds;
        CHALLENGER_BPS = init.challengerBps;
        _setMinimum(init.minimum, init.floor, init.ceiling);
    }

    modifier onlyCourt() {
        if (msg.sender != court) revert NotCourt(msg.sender);
        _;
    }

    modifier onlyOwner() {
        if (msg.sender != OWNER) revert NotOwner(msg.sender);
        _;
    }

    /// @inheritdoc IStake
    function register(Binding calldata binding, uint96 amount) external nonReentrant {
        _register(binding, amount);
    }

    /// @inheritdoc IStake
    function registerWithPermit(
        Binding calldata binding,
        uint96 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        // Whoever sees the permit can send it first; what counts is the allowance.
        try IERC20Permit(TOKEN).permit(msg.sender, address(this), amount, deadline, v, r, s) { } catch { }
        _register(binding, amount);
    }

    /// @inheritdoc IStake
    function setPeerKey(Binding calldata binding) external {
        _checkIsActive(_operators[msg.sender].state);
        if (_bindings[msg.sender].length == MAX_PEER_KEYS) revert TooManyPeerKeys(msg.sender);

        _bind(binding);
        emit PeerKeyChanged(msg.sender, binding.peerKey);
    }

    /// @inheritdoc IStake
    function add(uint96 amount) external nonReentrant {
        Operator memory operator = _load(msg.sender);
        _checkWorks(operator.state);
        if (amount == 0) revert ZeroAmount();

        operator.stake += amount;
        _save(msg.sender, operator);
        IERC20(TOKEN).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStake
    function unbond(uint96 amount) external {
        Operator memory operator = _load(msg.sender);
        if (amount == 0) revert ZeroAmount();
        if (amount > operator.stake) revert InsufficientStake(amount, operator.stake);

        _unbond(operator, amount);
        _save(msg.sender, operator);
    }

    /// @inheritdoc IStake
    function cancelUnbond() external {
        Operator memory operator = _load(msg.sender);
        _checkWorks(operator.state);
        if (operator.unbonding == 0) revert NothingUnbonding(msg.sender);

        operator.stake += operator.unbonding;
        operator.unbonding = 0;
        operator.unbondAt = 0;
        _save(msg.sender, operator);
    }

    /// @inheritdoc IStake
    function withdraw() external nonReentrant {
        Operator memory operator = _load(msg.sender);
        uint96 amount = operator.unbonding;
        if (amount == 0) revert NothingUnbonding(msg.sender);
        if (block.timestamp < operator.unbondAt) revert TooEarly(operator.unbondAt);

        operator.unbonding = 0;
        operator.unbondAt = 0;
        _save(msg.sender, operator);
        emit Withdrawn(msg.sender, amount);
        IERC20(TOKEN).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStake
    function retire() external {
        Operator memory operator = _load(msg.sender);
        _checkIsActive(operator.state);

        operator.state = State.Retired;
        if (operator.stake > 0) _unbond(operator, operator.stake);
        _save(msg.sender, operator);
        emit StateChanged(msg.sender, State.Retired);
    }

    /// @inheritdoc IStake
    function slash(address account, uint96 amount, address challenger)
        external
        onlyCourt
        nonReentrant
        returns (uint96 slashed)
    {
        Operator memory operator = _load(account);
        if (challenger == account) revert SelfChallenge(account);
        uint256 total = uint256(operator.stake) + operator.unbonding;
        if (amount == 0) revert ZeroAmount();
        if (total == 0) revert InsufficientStake(amount, 0);

        slashed = amount < total ? amount : uint96(total);
        uint96 fromUnbonding = uint96(Shares.proportionUp(slashed, operator.unbonding, total));
        operator.unbonding -= fromUnbonding;
        operator.stake -= slashed - fromUnbonding;
        uint96 reward = challenger == address(0) ? 0 : uint96(Shares.bpsDown(slashed, CHALLENGER_BPS));
        _rewards[challenger] += reward;
        _save(account, operator);
        emit Slashed(account, challenger, slashed, reward);
        ERC20Burnable(TOKEN).burn(slashed - reward);
    }

    /// @inheritdoc IStake
    function jail(address operator) external onlyCourt {
        State state = _operators[operator].state;
        if (state != State.Active && state != State.Retired) revert WrongState(operator, state);

        _changeState(operator, State.Jailed);
        Binding[] storage bindings = _bindings[operator];
        for (uint256 i = 0; i < bindings.length; ++i) {
            _jailed[bindings[i].peerKey].add(operator);
        }
    }

    /// @inheritdoc IStake
    function unjail(address operator) external onlyCourt {
        State state = _operators[operator].state;
        if (state != State.Jailed) revert WrongState(operator, state);

        _changeState(operator, State.Active);
        Binding[] storage bindings = _bindings[operator];
        for (uint256 i = 0; i < bindings.length; ++i) {
            _jailed[bindings[i].peerKey].remove(operator);
        }
    }

    /// @inheritdoc IStake
    function collect(address account) external nonReentrant {
        uint256 amount = _rewards[account];
        if (amount == 0) revert NothingToCollect(account);

        delete _rewards[account];
        emit Collected(account, amount);
        IERC20(TOKEN).safeTransfer(account, amount);
    }

    /// @inheritdoc IStake
    function setMinimum(uint96 minimum_) external onlyOwner {
        _setMinimum(minimum_, FLOOR, CEILING);
    }

    /// @inheritdoc IStake
    function setCourt(address court_) external onlyOwner {
        court = court_;
        emit CourtChanged(court_);
    }

    /// @inheritdoc IStake
    function isActive(address account) external view returns (bool) {
        Operator memory operator = _load(account);
        return operator.state == State.Active && operator.stake >= _minimum;
    }

    /// @inheritdoc IStake
    function hasStake(address account) external view returns (bool) {
        Operator memory operator = _load(account);
        return operator.state != State.Jailed && operator.stake >= LIFTING;
    }

    /// @inheritdoc IStake
    function operatorOf(address operator) external view returns (Operator memory) {
        return _load(operator);
    }

    /// @inheritdoc IStake
    function peerKeyOf(address operator) external view returns (bytes32) {
        uint256 count = _bindings[operator].length;
        return count == 0 ? bytes32(0) : _bindings[operator][count - 1].peerKey;
    }

    /// @inheritdoc IStake
    function bindingsOf(address operator) external view returns (Binding[] memory) {
        return _bindings[operator];
    }

    /// @inheritdoc IStake
    function jailedWith(bytes32 peerKey) external view returns (address[] memory) {
        return _jailed[peerKey].values();
    }

    /// @inheritdoc IStake
    function rewardOf(address account) external view returns (uint256) {
        return _rewards[account];
    }

    /// @inheritdoc IStake
    function config() external view returns (StakeConfig memory) {
        return StakeConfig({
            token: TOKEN,
            owner: OWNER,
            floor: FLOOR,
            ceiling: CEILING,
            minimum: _minimum,
            unbondSeconds: UNBOND_SECONDS,
            withdrawSeconds: WITHDRAW_SECONDS,
            challengerBps: CHALLENGER_BPS
        });
    }

    function _register(Binding calldata binding, uint96 amount) private {
        State state = _operators[msg.sender].state;
        if (state != State.None) revert WrongState(msg.sender, state);
        if (amount < _minimum) revert BelowMinimum(amount, _minimum);

        _operators[msg.sender] = Operator({ stake: amount, unbonding: 0, unbondAt: 0, state: State.Active });
        _bind(binding);
        emit Registered(msg.sender, binding.peerKey, amount);
        IERC20(TOKEN).safeTransferFrom(msg.sender, address(this), amount);
    }

    function _bind(Binding calldata binding) private {
        if (binding.peerKey == 0) revert ZeroPeerKey();

        _bindings[msg.sender].push(binding);
    }

    function _changeState(address operator, State state) private {
        _operators[operator].state = state;
        emit StateChanged(operator, state);
    }

    function _setMinimum(uint96 minimum_, uint96 floor, uint96 ceiling) private {
        if (minimum_ < floor || minimum_ > ceiling) revert OutOfBounds("minimum", minimum_);

        _minimum = minimum_;
        emit MinimumChanged(minimum_);
    }

    /// @dev As it is now: what could be withdrawn and was not is stake again.
    function _load(address account) private view returns (Operator memory operator) {
        operator = _operators[account];
        if (operator.unbondAt == 0 || block.timestamp < uint256(operator.unbondAt) + WITHDRAW_SECONDS) {
            return operator;
        }
        operator.stake += operator.unbonding;
        operator.unbonding = 0;
        operator.unbondAt = 0;
    }

    function _save(address account, Operator memory operator) private {
        _operators[account] = operator;
        emit StakeChanged(account, operator.stake, operator.unbonding, operator.unbondAt);
    }

    function _checkWorks(State state) private view {
        if (state != State.Active && state != State.Jailed) revert WrongState(msg.sender, state);
    }

    function _checkIsActive(State state) private view {
        if (state != State.Active) revert WrongState(msg.sender, state);
    }

    /// @dev Changes the operator in memory.
    function _unbond(Operator memory operator, uint96 amount) private view {
        operator.stake -= amount;
        operator.unbonding += amount;
        operator.unbondAt = uint40(block.timestamp + UNBOND_SECONDS);
    }
}
