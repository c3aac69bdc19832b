//! How fast this machine computes: a figure to compare machines by, not a promise.

use super::Finding;
use mizan_client::units;
use mizan_engine::{CpuExecutor, Executor};
use mizan_tensor::{hash_bytes, Operand, Operation, Parameter, Plan, Program, TensorType, FORMAT};
use std::time::{Duration, Instant};

const CHECK: &str = "speed";
/// Width of the square layer that is computed, and items of a batch.
const WIDTH: u32 = 1_024;
const BATCH: u32 = 128;
/// Batches are computed for so long.
const MEASURED: Duration = Duration::from_millis(500);

pub(super) async fn measure() -> Finding {
    let measured = tokio::task::spawn_blocking(macs_per_second).await;
    match measured.ok().flatten() {
        Some(macs) => {
            let units = units::format_compute_units(macs);
            Finding::ok(
                CHECK,
                format!("{units} a second in a layer of {WIDTH} x {WIDTH}"),
            )
        }
        None => Finding::problem(
            CHECK,
            "a layer could not be computed",
            "replace this program",
        ),
    }
}

/// How many multiply-accumulates a second this machine does; `None` if it can't compute at all.
pub fn macs_per_second() -> Option<u128> {
    let weights = vec![3; usize::try_from(WIDTH * WIDTH).ok()?];
    let channels = vec![1; usize::try_from(WIDTH * 16).ok()?];
    let input = vec![5; usize::try_from(BATCH * WIDTH).ok()?];
    let types = [TensorType::i8(&[WIDTH, WIDTH]), TensorType::channels(WIDTH)];
    let named = [&weights, &channels].into_iter().zip(types);
    let plan = Plan::new(Program {
        format: FORMAT,
        owner: [0; 32],
        max_batch: BATCH,
        inputs: vec![TensorType::i8(&[WIDTH])],
        parameters: named
            .map(|(bytes, tensor)| Parameter {
                hash: hash_bytes(bytes),
                tensor,
            })
            .collect(),
        tables: Vec::new(),
        operations: vec![Operation::Linear {
            input: Operand::Input(0),
            weights: 0,
            channels: 1,
            table: None,
        }],
        outputs: vec![0],
    })
    .ok()?;
    let executor = CpuExecutor::new();
    let compute = || executor.execute(&plan, &[&weights, &channels], &[&input], BATCH);
    // The first one also brings memory and caches into shape.
    compute().ok()?;
    let (started, mut macs) = (Instant::now(), 0u128);
    while started.elapsed() < MEASURED {
        compute().ok()?;
        macs = macs.saturating_add(plan.cost().macs(BATCH));
    }
    macs.saturating_mul(1_000)
        .checked_div(started.elapsed().as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_speed() {
        assert!(macs_per_second().unwrap() > 1_000_000);
    }
}
