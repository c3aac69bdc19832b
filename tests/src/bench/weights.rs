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

/// The figures.
pub fn figures() -> Result<Vec<(&'static str, Number)>> {
    let transfer = declared(BALANCES, "transfer_keep_alive")?;
    let over_transfer = |function: &str| -> Result<Number> {
        let ratio = declared(JOBS, function)? as f64 / transfer as f64;
        let rounded = (ratio * 100.0).round() / 100.0;
        Number::from_f64(rounded).context("not a number")
    };
    Ok(vec![
        ("post_over_transfer", over_transfer("post_job")?),
        ("attest_over_transfer", over_transfer("attest_job")?),
        ("settle_over_transfer", over_transfer("settle")?),
    ])
}

/// Declared picoseconds of a function without components.
fn declared(file: &str, function: &str) -> Result<u64> {
    let code: String = file
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let missing = || format!("the weights have no {function}: run scripts/weights");
    let start = format!("fn{function}()->Weight{{");
    let (_, body) = code.split_once(&start).with_context(missing)?;
    let body = body.split('}').next().with_context(missing)?;
    ensure!(
        !body.contains("saturating_mul"),
        "the weight of {function} depends on its arguments"
    );
    let sum = |name: &str| -> Result<u64> {
        let numbers = body.split(name).skip(1).map(|rest| {
            let digits = |c: &char| c.is_ascii_digit() || *c == '_';
            let number: String = rest.chars().take_while(digits).collect();
            let number = number.replace("_u64", "").replace('_', "");
            number
                .parse::<u64>()
                .with_context(|| format!("{function}: {name} without a number"))
        });
        numbers.sum()
    };
    Ok(sum("Weight::from_parts(")? + sum(".reads(")? * READ + sum(".writes(")? * WRITE)
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
        fn linear(b: u32) -> Weight { Weight::from_parts(1, 0).saturating_mul(b.into()) }";

    #[test]
    fn declared_time_counts_reads_and_writes() {
        assert_eq!(declared(FILE, "post_job").unwrap(), 78_000_000);
        assert!(declared(FILE, "linear").is_err());
        assert!(declared(FILE, "settle").is_err());
    }

    #[test]
    fn committed_weights_give_the_figures() {
        let figures = figures().unwrap();
        assert_eq!(figures.len(), 3);
        assert!(figures.iter().all(|(_, f)| f.as_f64() > Some(0.0)));
    }
}
