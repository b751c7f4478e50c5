// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Code, Evaluation, Outcome} from "../types/Types.sol";

/// @title The outcome that an approved evaluation gives its submission.
library Outcomes {
    error UndecidedCode();

    /// @notice Return a challenger's outcome.
    /// @dev The gain's upper bound mirrors its lower bound around the mean: 2 × (challenger − champion) − lower bound.
    ///      Computed in int256, because twice the difference of two int64 can overflow int64.
    function ofChallenger(Evaluation calldata evaluation, int64 minGain, int64 worseTolerance)
        internal
        pure
        returns (Outcome)
    {
        if (evaluation.code != Code.VALID) return _ofFailure(evaluation.code);
        if (evaluation.gainLowerBound >= minGain) return Outcome.IMPROVED;

        int256 gain = int256(evaluation.challengerScore) - evaluation.championScore;
        int256 upperBound = 2 * gain - evaluation.gainLowerBound;
        return upperBound < -int256(worseTolerance) ? Outcome.WORSE : Outcome.NOT_IMPROVED;
    }

    /// @notice Return the baseline's outcome. It is compared with itself, so a valid baseline is NOT_IMPROVED.
    function ofBaseline(Code code) internal pure returns (Outcome) {
        return code == Code.VALID ? Outcome.NOT_IMPROVED : _ofFailure(code);
    }

    /// @notice Return whether operators evaluated the submission and earned its fee.
    function isEvaluated(Outcome outcome) internal pure returns (bool) {
        return outcome >= Outcome.IMPROVED && outcome <= Outcome.EVALUATOR_FAILED;
    }

    function _ofFailure(Code code) private pure returns (Outcome) {
        if (code == Code.INVALID) return Outcome.INVALID;
        if (code == Code.UNAVAILABLE) return Outcome.UNAVAILABLE;
        if (code == Code.EVALUATOR_FAILED) return Outcome.EVALUATOR_FAILED;
        revert UndecidedCode();
    }
}
