//! `weights`: what a job's transactions cost the chain beside a plain transfer of money.
//!
//! Nothing runs: the figures are computed from the weights that `scripts/weights` measured and
//! that the runtime is built with. Each is the declared reference time, with reads and writes at
//! the SDK's costs for ParityDB, over that of `balances.transfer_keep_alive` from the same run.
//! The worst case is declared, so a common job costs less: `runtime/src/weights` and the pallet's
//! benchmarks say what is in it.

use anyhow::{ensure, Context, Result};
use serde_json::Number;

/// The generated files.
const JOBS: &str = include_str!("../../../runtime/src/weights/pallet_jobs.rs");
const BALANCES: &str = include_str!("../../../runtime/src/weights/pallet_balances.rs");

/// Picoseconds of a read and of a write: `ParityDbWeight` of the SDK.
const READ: u64 = 8_000_000;
/// See [`READ`].
const WRITE: u64 = 50_000_000;

/// Most auditors whom a settlement pays.
const AUDITORS: u64 = 8;

/// The figures.
pub fn figures() -> Result<Vec<(&'static str, Number)>> {
    let transfer = declared(BALANCES, "transfer_keep_alive", 0)?;
    let over_transfer = |function: &str, units: u64| -> Result<Number> {
        let ratio = declared(JOBS, function, units)? as f64 / transfer as f64;
        let rounded = (ratio * 100.0).round() / 100.0;
        Number::from_f64(rounded).context("not a number")
    };
    Ok(vec![
        ("post_over_transfer", over_transfer("post_job", 0)?),
        ("attest_over_transfer", over_transfer("attest_job", 0)?),
        (
            "settle_unaudited_over_transfer",
            over_transfer("settle", 0)?,
        ),
        ("settle_over_transfer", over_transfer("settle", AUDITORS)?),
    ])
}

/// Declared picoseconds of a function with no component or one, of so many units.
fn declared(file: &str, function: &str, units: u64) -> Result<u64> {
    let code: String = file
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let missing = || format!("the weights have no {function}: run scripts/weights");
    let (_, rest) = code
        .split_once(&format!("fn{function}("))
        .with_context(missing)?;
    let (components, body) = rest.split_once(")->Weight{").with_context(missing)?;
    ensure!(
        !components.contains(','),
        "the weight of {function} depends on several arguments"
    );
    let body = body.split('}').next().with_context(missing)?;
    let terms = body.split(".saturating_add(");
    let picoseconds = |term: &str| -> Result<u64> {
        let units = if term.contains("saturating_mul") {
            units
        } else {
            1
        };
        let costs = [
            ("Weight::from_parts(", 1),
            ("reads(", READ),
            ("writes(", WRITE),
        ];
        let (number, cost) = costs
            .into_iter()
            .find_map(|(name, cost)| Some((term.split_once(name)?.1, cost)))
            .with_context(|| format!("{function}: {term} is not understood"))?;
        let digits = number
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '_');
        let number = digits
            .collect::<String>()
            .trim_end_matches('_')
            .replace('_', "");
        let number: u64 = number
            .parse()
            .with_context(|| format!("{function}: {term} has no number"))?;
        Ok(number * cost * units)
    };
    terms.map(picoseconds).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
        fn other() -> Weight { Weight::from_parts(9, 0) }
        fn post_job() -> Weight {
            // Weight::from_parts(1, 2)
            Weight::from_parts(12_000_000, 3_593)
                .saturating_add(T::DbWeight::get().reads(2))
                .saturating_add(T::DbWeight::get().writes(1_u64))
        }
        fn linear(b: u32) -> Weight {
            Weight::from_parts(5, 0)
                .saturating_add(Weight::from_parts(3_000, 0).saturating_mul(b.into()))
                .saturating_add(T::DbWeight::get().reads(2))
                .saturating_add(T::DbWeight::get().reads(4_u64.saturating_mul(b.into())))
        }
        fn square(a: u32, b: u32) -> Weight { Weight::from_parts(1, 0) }";

    #[test]
    fn declared_time_counts_reads_and_writes() {
        assert_eq!(declared(FILE, "post_job", 7).unwrap(), 78_000_000);
        for (units, picoseconds) in [(0, 16_000_005), (3, 112_009_005)] {
            assert_eq!(declared(FILE, "linear", units).unwrap(), picoseconds);
        }
        assert!(declared(FILE, "square", 0).is_err());
        assert!(declared(FILE, "settle", 0).is_err());
    }

    #[test]
    fn committed_weights_give_the_figures() {
        let figures = figures().unwrap();
        assert_eq!(figures.len(), 4);
        assert!(figures.iter().all(|(_, f)| f.as_f64() > Some(0.0)));
    }
}
