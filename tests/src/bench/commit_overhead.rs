//! `commit-overhead`: what a worker's commitment costs beside the execution that it commits to.
//!
//! Execution is `LoadedModel::execute` with weights packed ahead, on all threads of the global
//! pool. The commitment hashes trace and outputs, on all threads too, as the worker does. A figure
//! is the commitment's time in percent of the execution's, the median over rounds in which both
//! take turns, for jobs of 1,024 items: one linear operation of 1,024 channels over 1,024 products
//! each, and the digits model.

use super::{
    audit::{median, number, rounds},
    network::Case,
};
use anyhow::{Context, Result};
use mizan_engine::{commit, CpuExecutor};
use serde_json::Number;

/// Items of both jobs.
const BATCH: u32 = 1_024;

/// Both percentages.
pub fn figures() -> Result<Vec<(&'static str, Number)>> {
    let k1024 = extra_percent(&Case::layers(BATCH, 1_024, 1)?).context("k1024")?;
    let digits = extra_percent(&Case::digits(BATCH)?).context("digits")?;
    Ok(vec![
        ("cpu_extra_percent_k1024", number(k1024)?),
        ("cpu_extra_percent_digits", number(digits)?),
    ])
}

fn extra_percent(case: &Case) -> Result<f64> {
    let parameters = case.parameters();
    let executor = CpuExecutor::new();
    let model = executor.load(&case.plan, &parameters)?;
    let inputs = [case.input.as_slice()];
    let execution = model.execute(&inputs, case.batch)?;
    let rounds = rounds(&mut [
        &mut || {
            std::hint::black_box(model.execute(&inputs, case.batch)?);
            Ok(())
        },
        &mut || {
            std::hint::black_box(commit(&execution));
            Ok(())
        },
    ])?;
    Ok(100.0 * median(&rounds, |[execution, commitment]| commitment / execution))
}
