//! Numbers as they are shown: exact, and the same in text and JSON.

use serde_json::{Number, Value};

/// A whole number with the point moved to the left, exactly.
pub(super) fn decimal(number: u128, places: u32) -> Number {
    let unit = 10u128.pow(places);
    let (whole, rest) = (number / unit, number % unit);
    let text = format!("{whole}.{rest:0width$}", width = places as usize);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    // Digits around a point are a number; so few of them are kept to the last.
    serde_json::from_str(text).expect("digits around a point are a JSON number; qed")
}

/// An amount as a whole number.
pub(super) fn amount(amount: u128) -> Value {
    // The demonstration's own amounts are far below 2^53, from where readers may round.
    u64::try_from(amount).map_or_else(|_| amount.to_string().into(), Value::from)
}

/// Rounded to the nearest.
pub(super) fn hundredths_of_percent(part: usize, whole: u128) -> u128 {
    (part as u128 * 20_000 + whole) / (2 * whole.max(1))
}

/// Rounded up to a tenth.
pub(super) fn mebibytes(bytes: u64) -> Number {
    decimal((u128::from(bytes) * 10).div_ceil(1 << 20), 1)
}

/// A share in billionths.
pub(super) fn percent(share: u32) -> String {
    let text = format!("{}.{:07}", share / 10_000_000, share % 10_000_000);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact_decimals() {
        let written = |number, places| decimal(number, places).to_string();
        assert_eq!(written(hundredths_of_percent(349, 360), 2), "96.94");
        assert_eq!(written(hundredths_of_percent(360, 360), 2), "100");
        assert_eq!(written(3_225_600, 9), "0.0032256");
        assert_eq!(written(45_034, 3), "45.034");
        assert_eq!(mebibytes((1 << 20) + 1).to_string(), "1.1");
    }

    #[test]
    fn shares_are_written_in_per_cent() {
        assert_eq!(percent(850_000_000), "85 %");
        assert_eq!(percent(333_333_333), "33.3333333 %");
        assert_eq!(percent(0), "0 %");
    }
}
