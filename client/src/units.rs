//! Amounts of money and of compute as people write them: exact in both directions.

use mizan_tensor::compute_units;

/// Digits after the point of one MZN.
pub const DECIMALS: usize = 12;
/// Smallest units of one MZN.
pub const UNIT: u128 = 1_000_000_000_000;

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a number with an optional unit.
    #[error("{0:?} is not an amount: write it like 1.5 or \"1.5 MZN\"")]
    NotAnAmount(String),
    /// More decimals than the smallest unit has.
    #[error("{0:?} has more than 12 decimals: the smallest amount is 0.000000000001 MZN")]
    TooPrecise(String),
    /// More than the chain can count.
    #[error("{0:?} is more than the chain can count")]
    TooLarge(String),
}

/// Reads an amount in MZN, with or without the unit: `"1.5 MZN"`, `"1.5"`. Gives smallest units.
pub fn parse_amount(text: &str) -> Result<u128, UnitError> {
    let number = text.trim();
    let number = number.strip_suffix("MZN").unwrap_or(number).trim_end();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) {
        return Err(UnitError::NotAnAmount(text.into()));
    }
    if decimals.len() > DECIMALS {
        return Err(UnitError::TooPrecise(text.into()));
    }
    let too_large = || UnitError::TooLarge(text.into());
    let whole: u128 = whole.parse().map_err(|_| too_large())?;
    let parts: u128 = format!("{decimals:0<DECIMALS$}")
        .parse()
        .map_err(|_| too_large())?;
    whole
        .checked_mul(UNIT)
        .and_then(|units| units.checked_add(parts))
        .ok_or_else(too_large)
}

/// Writes an amount of smallest units in MZN, without superfluous zeroes: `"1.5 MZN"`.
pub fn format_amount(amount: u128) -> String {
    format!("{} MZN", fixed(amount / UNIT, amount % UNIT, DECIMALS))
}

/// Writes a number of multiply-accumulates in compute units: `"0.000017 CU"`.
pub fn format_compute_units(macs: u128) -> String {
    let (units, billionths) = compute_units(macs);
    format!("{} CU", fixed(units, billionths.into(), 9))
}

fn fixed(whole: u128, parts: u128, decimals: usize) -> String {
    let text = format!("{whole}.{parts:0decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        let cases = [
            ("0", 0),
            ("1", UNIT),
            ("1.5 MZN", 1_500_000_000_000),
            ("  1.5MZN ", 1_500_000_000_000),
            ("0.000000000001", 1),
            ("340282366920938463463374607.431768211455", u128::MAX),
        ];
        for (text, amount) in cases {
            assert_eq!(parse_amount(text), Ok(amount), "{text}");
        }
    }

    #[test]
    fn every_written_amount_is_read_back() {
        for amount in [
            0,
            1,
            10,
            UNIT - 1,
            UNIT,
            UNIT + 1,
            20 * UNIT,
            123_456_789,
            u128::MAX,
        ] {
            assert_eq!(parse_amount(&format_amount(amount)), Ok(amount));
        }
        assert_eq!(format_amount(1_500_000_000_000), "1.5 MZN");
        assert_eq!(format_amount(20 * UNIT), "20 MZN");
        assert_eq!(format_amount(0), "0 MZN");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "", "MZN", ".5", "5.", "-1", "1,5", "1e3", "1.5 DOT", "1 000", "0x10", "+1",
        ] {
            assert_eq!(
                parse_amount(text),
                Err(UnitError::NotAnAmount(text.into())),
                "{text}"
            );
        }
    }

    #[test]
    fn too_many_decimals_are_refused_not_rounded() {
        let text = "1.0000000000001";
        assert_eq!(parse_amount(text), Err(UnitError::TooPrecise(text.into())));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in [
            "340282366920938463463374607.431768211456",
            "9".repeat(60).as_str(),
        ] {
            assert_eq!(
                parse_amount(text),
                Err(UnitError::TooLarge(text.into())),
                "{text}"
            );
        }
    }

    #[test]
    fn compute_units_are_billions_of_macs() {
        assert_eq!(format_compute_units(0), "0 CU");
        assert_eq!(format_compute_units(1), "0.000000001 CU");
        assert_eq!(format_compute_units(2_500_000_000), "2.5 CU");
    }
}
